// One vector core of Atlas A2 (910B, architecture 2201): its pipes, its unified buffer, and what orders them.
//
// Four pipes work at once: S (scalar), V (vector), MTE2 (loads) and MTE3 (stores). Calls run here one by one in
// the program's order, but a pipe sees what another did only through a flag, a queue or a barrier, as each
// pipe's vector clock records. Every 32 bytes of the unified buffer remember who wrote them last and who has
// read them since; an access that nothing orders after those is a fault, though its numbers happened to be right.
//
// Sources: CANN 9, Ascend C API reference: "PipeBarrier", "SetFlag/WaitFlag", "TQue", "InitBuffer",
// "Automatic synchronisation" (table 1: what the compiler inserts and what it leaves to the program).
#pragma once

#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <deque>
#include <map>
#include <string>
#include <vector>

// A compiler with --cce-auto-sync orders dependent calls of pipe V by itself ("Automatic synchronisation", table 1);
// with --cce-auto-sync=off, as here, they need PipeBarrier<PIPE_V>. What is right without is right with it.
#ifndef ASCENDC_AUTO_SYNC
#define ASCENDC_AUTO_SYNC 0
#endif

namespace core {

constexpr uint32_t UNIFIED_BUFFER = 192 << 10;
constexpr uint32_t RESERVED = 8 << 10; // the last bytes, which Select's modes 1 and 2 take for themselves
constexpr uint32_t BLOCK = 32, REPEAT = 256;
constexpr int PIPES = 4, EVENT_IDS = 8;
enum Pipe : uint8_t { S, V, MTE2, MTE3 };
constexpr const char *PIPE_NAMES[] = {"S", "V", "MTE2", "MTE3"};

// --- faults ---------------------------------------------------------------------------------------------

struct Where {
    const char *call;
    int line;
};

struct Fault {
    std::string message;
};

static int block, blocks; // the core that runs now, and how many there are
static Where where;       // the call that runs now

static std::string text(const char *format, ...) {
    char words[500];
    va_list values;
    va_start(values, format);
    vsnprintf(words, sizeof words, format, values);
    va_end(values);
    return words;
}

[[noreturn]] static void fault(const std::string &what) {
    throw Fault{text("block %d, line %d: %s: ", block, where.line, where.call) + what};
}

// --- clocks ---------------------------------------------------------------------------------------------

struct Clock {
    uint32_t seen[PIPES]; // of each pipe, how many of its instructions are known to be complete

    void join(const Clock &other) {
        for (int pipe = 0; pipe < PIPES; pipe++)
            if (seen[pipe] < other.seen[pipe]) seen[pipe] = other.seen[pipe];
    }
};

static Clock views[PIPES];
static uint32_t now[PIPES];            // how many instructions the pipe was given
static std::vector<Where> done[PIPES]; // which ones

static void start(Pipe pipe, const char *call, int line) {
    where = {call, line};
    done[pipe].push_back(where);
    now[pipe] = (uint32_t)done[pipe].size();
    if (pipe == S || (pipe == V && ASCENDC_AUTO_SYNC)) views[pipe].seen[pipe] = now[pipe];
}

// What the pipe has been given up to now, and all that was complete before.
static Clock given(Pipe pipe) {
    Clock clock = views[pipe];
    clock.seen[pipe] = now[pipe];
    return clock;
}

static bool ordered(Pipe pipe, Pipe earlier, uint32_t time) {
    return views[pipe].seen[earlier] >= time || (pipe == earlier && time == now[pipe]);
}

static std::string remedy(Pipe earlier, Pipe later) {
    if (earlier == later) return text("PipeBarrier<PIPE_%s>", PIPE_NAMES[later]);
    return text("HardEvent::%s_%s", PIPE_NAMES[earlier], PIPE_NAMES[later]);
}

[[noreturn]] static void hazard(const std::string &what, const char *deed, Pipe earlier, uint32_t time,
                                Pipe later) {
    const Where &then = done[earlier][time - 1];
    fault(what + text(" is still %s by %s (line %d: %s); %s must come in between", deed, PIPE_NAMES[earlier],
                      then.line, then.call, remedy(earlier, later).c_str()));
}

// --- flags ----------------------------------------------------------------------------------------------

struct Flag {
    bool set, allocated;
    Clock clock;
    Where where;
};

static Flag flags[PIPES * PIPES][EVENT_IDS]; // by event (source * PIPES + target) and id

static std::string event_name(int event) {
    return text("%s_%s", PIPE_NAMES[event / PIPES], PIPE_NAMES[event % PIPES]);
}

static Flag &flag_of(int event, int id) {
    if (id < 0 || id >= EVENT_IDS)
        fault(text("event id %d of %s is not one of 0 to 7", id, event_name(event).c_str()));
    return flags[event][id];
}

static void set_flag(int event, int id) {
    Flag &flag = flag_of(event, id);
    if (flag.set)
        fault(text("flag %s %d is set already (line %d: %s) and was not waited for",
                   event_name(event).c_str(), id, flag.where.line, flag.where.call));
    flag.set = true, flag.where = where, flag.clock = given(Pipe(event / PIPES));
}

static void wait_flag(int event, int id) {
    Flag &flag = flag_of(event, id);
    if (!flag.set) fault(text("waits for ever: nothing has set flag %s %d", event_name(event).c_str(), id));
    flag.set = false;
    views[event % PIPES].join(flag.clock);
}

static int free_event(int event) {
    for (int id = 0; id < EVENT_IDS; id++)
        if (!flags[event][id].allocated) return id;
    fault(text("all 8 event ids of %s are taken", event_name(event).c_str()));
}

static int allocate_event(int event) {
    const int id = free_event(event);
    flags[event][id].allocated = true;
    return id;
}

static void barrier(Pipe pipe) { views[pipe].seen[pipe] = now[pipe]; }

static void barrier_of_all() {
    for (Clock &view : views) memcpy(view.seen, now, sizeof now);
}

// --- the unified buffer -----------------------------------------------------------------------------------

struct Mark { // of 32 bytes
    uint32_t written, read[PIPES];
    uint32_t before; // when the last reader's pipe had read it before: what an operation in place must wait for
    Pipe writer;
};

alignas(64) static uint8_t memory[UNIFIED_BUFFER];
static Mark marks[UNIFIED_BUFFER / BLOCK];

enum class Position : uint8_t { GM, VECIN, VECOUT, VECCALC };
constexpr const char *POSITION_NAMES[] = {"GM", "VECIN", "VECOUT", "VECCALC"};
enum State : uint8_t { FREE, ALLOCATED, QUEUED, DEQUEUED };
constexpr const char *STATE_NAMES[] = {"free", "allocated", "in its queue", "out of its queue"};

struct Buffer { // one block that InitBuffer took: of a queue, or a TBuf
    uint32_t begin, bytes;
    Position position;
    bool queued; // a queue's
    State state;
    uint32_t lives;  // how often it was allocated: a tensor of an earlier life is stale
    int full, empty; // the flags that say so, as event * EVENT_IDS + id, or -1
};

static std::vector<Buffer> buffers;

static std::string name(int buffer) {
    const Buffer &found = buffers[buffer];
    return text("%s buffer %d of %u bytes", POSITION_NAMES[(int)found.position], buffer, found.bytes);
}

enum Access { READ, WRITE };

static void touch(Pipe pipe, Access access, const char *role, int buffer, uint32_t begin, uint32_t end) {
    for (uint32_t place = begin / BLOCK; place * BLOCK < end; place++) {
        Mark &mark = marks[place];
        const auto what = [&] {
            return std::string(role) + text(", byte %u of ", place * BLOCK - buffers[buffer].begin) +
                   name(buffer) + ",";
        };
        if (!ordered(pipe, mark.writer, mark.written))
            hazard(what(), "written", mark.writer, mark.written, pipe);
        if (access == READ) {
            if (mark.read[pipe] != now[pipe]) mark.before = mark.read[pipe];
            mark.read[pipe] = now[pipe];
            continue;
        }
        for (int other = 0; other < PIPES; other++) {
            const bool own = other == pipe && mark.read[other] == now[other];
            const uint32_t time = own ? mark.before : mark.read[other];
            if (!ordered(pipe, Pipe(other), time)) hazard(what(), "read", Pipe(other), time, pipe);
        }
        mark = {now[pipe], {}, 0, pipe};
    }
}

// A tensor in the unified buffer, whatever its elements.
struct Local {
    uint32_t begin = 0, end = 0; // bytes
    int buffer = -1;
    uint32_t life = 0;
};

static const Buffer &buffer_of(const Local &tensor, const char *role) {
    if (tensor.buffer < 0) fault(std::string(role) + " is a tensor of no buffer");
    const Buffer &buffer = buffers[tensor.buffer];
    if (buffer.queued && (tensor.life != buffer.lives || buffer.state == FREE))
        fault(std::string(role) + ", " + name(tensor.buffer) + ", was freed before");
    return buffer;
}

// The bytes from ``offset`` on in ``tensor``, after all checks.
static uint8_t *reach(const Local &tensor, Pipe pipe, Access access, const char *role, uint64_t offset,
                      uint64_t bytes, uint32_t alignment = BLOCK) {
    const Buffer &buffer = buffer_of(tensor, role);
    if (buffer.state == QUEUED)
        fault(std::string(role) + ", " + name(tensor.buffer) + ", is in its queue: DeQue it");
    const uint64_t begin = tensor.begin + offset;
    if (begin % alignment)
        fault(std::string(role) +
              text(" is at byte %lu of the unified buffer, not a multiple of %u", begin, alignment));
    if (begin + bytes > tensor.end)
        fault(std::string(role) +
              text(" reaches %lu bytes beyond the end of its tensor of %u bytes in ",
                   begin + bytes - tensor.end, tensor.end - tensor.begin) +
              name(tensor.buffer));
    touch(pipe, access, role, tensor.buffer, (uint32_t)begin, (uint32_t)(begin + bytes));
    return memory + begin;
}

} // namespace core
