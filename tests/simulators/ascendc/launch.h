// Runs a kernel's blocks one after the other, and reports the first fault.
#pragma once

#include "kernel_operator.h"

#include <utility>

namespace core {

static void *const *arguments;
static int capacity;

// A kernel takes its arrays and perhaps the capacity, in that order.
template <class Parameter> Parameter argument(size_t place) {
    if constexpr (std::is_pointer_v<Parameter>) return (Parameter)arguments[place];
    else return (Parameter)capacity;
}

template <class... Parameters, size_t... places>
void call(void (*kernel)(Parameters...), std::index_sequence<places...>) {
    kernel(argument<Parameters>(places)...);
}

template <class... Parameters> void call(void (*kernel)(Parameters...)) {
    call(kernel, std::index_sequence_for<Parameters...>());
}

static void begin_block(int index) {
    block = index, where = {"the kernel", 0};
    AscendC::pipe_of_block = nullptr;
    buffers.clear(), fresh_lines.clear();
    memset(flags, 0, sizeof flags);
    memset(marks, 0, sizeof marks);
    memset(views, 0, sizeof views);
    memset(now, 0, sizeof now);
    memset(memory, 0xff, sizeof memory);
    for (auto &calls : done) calls.clear();
}

// A tensor that is not freed keeps its queue waiting; a flag that stays set meets the next kernel on this core.
static void end_block() {
    where = {"the kernel's end", where.line};
    for (size_t place = 0; place < buffers.size(); place++) {
        const Buffer &buffer = buffers[place];
        if (buffer.state != FREE)
            fault(name((int)place) + text(" is still %s: FreeTensor it", STATE_NAMES[buffer.state]));
        if (buffer.empty >= 0)
            wait_flag(buffer.empty / EVENT_IDS, buffer.empty % EVENT_IDS); // as TPipe's end does
    }
    for (int event = 0; event < PIPES * PIPES; event++)
        for (int id = 0; id < EVENT_IDS; id++)
            if (flags[event][id].set)
                fault(text("flag %s %d was set (line %d) and never waited for", event_name(event).c_str(), id,
                           flags[event][id].where.line));
}

static const char *launch(void (*kernel)(), int count, bool reverse) {
    static std::string report;
    stores.clear();
    blocks = count;
    try {
        for (int turn = 0; turn < count; turn++) {
            begin_block(reverse ? count - 1 - turn : turn);
            kernel();
            end_block();
        }
    } catch (const Fault &found) {
        report = found.message;
        return report.c_str();
    }
    return nullptr;
}

} // namespace core
