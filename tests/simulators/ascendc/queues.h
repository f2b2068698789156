// TPipe, queues, plain buffers, events and barriers: who owns which bytes, and what orders the pipes.
#pragma once

#include "tensors.h"

enum pipe_t { PIPE_S, PIPE_V, PIPE_MTE2, PIPE_MTE3, PIPE_ALL }; // the first four as core::Pipe
enum event_t { EVENT_ID0, EVENT_ID1, EVENT_ID2, EVENT_ID3, EVENT_ID4, EVENT_ID5, EVENT_ID6, EVENT_ID7 };

namespace AscendC {

using TEventID = int8_t;
constexpr int event_of(core::Pipe source, core::Pipe target) { return source * core::PIPES + target; }

enum class HardEvent : uint8_t {
    S_V = event_of(core::S, core::V),
    S_MTE2 = event_of(core::S, core::MTE2),
    S_MTE3 = event_of(core::S, core::MTE3),
    V_S = event_of(core::V, core::S),
    V_MTE2 = event_of(core::V, core::MTE2),
    V_MTE3 = event_of(core::V, core::MTE3),
    MTE2_S = event_of(core::MTE2, core::S),
    MTE2_V = event_of(core::MTE2, core::V),
    MTE2_MTE3 = event_of(core::MTE2, core::MTE3),
    MTE3_S = event_of(core::MTE3, core::S),
    MTE3_V = event_of(core::MTE3, core::V),
    MTE3_MTE2 = event_of(core::MTE3, core::MTE2),
};

template <HardEvent event> void SetFlag(int32_t id, int line = __builtin_LINE()) {
    core::where = {"SetFlag", line};
    core::set_flag((int)event, id);
}

template <HardEvent event> void WaitFlag(int32_t id, int line = __builtin_LINE()) {
    core::where = {"WaitFlag", line};
    core::wait_flag((int)event, id);
}

template <pipe_t pipe> void PipeBarrier() {
    static_assert(pipe != PIPE_S, "PipeBarrier: the scalar pipe is in order by itself, and has no barrier");
    if constexpr (pipe == PIPE_ALL) core::barrier_of_all();
    else core::barrier((core::Pipe)pipe);
}

// A queue whose tensors ``source`` fills and ``target`` empties: GM to VECIN, VECOUT to GM, or VECIN to VECOUT
// where nothing is computed. EnQue sets the flag that DeQue waits for, and FreeTensor the one that the next
// AllocTensor of the same buffer waits for.
template <TPosition source, TPosition target, int32_t depth> class TQueBind {
    static_assert(depth > 0, "a queue of depth 0 (tensors in place) is not simulated");
    static constexpr core::Pipe FILLS = source == TPosition::VECOUT ? core::V : core::MTE2;
    static constexpr core::Pipe EMPTIES = target == TPosition::VECIN ? core::V : core::MTE3;
    static constexpr int FULL = event_of(FILLS, EMPTIES), EMPTY = event_of(EMPTIES, FILLS);

  public:
    static constexpr TPosition POSITION = source == TPosition::GM ? target : source;
    int first = 0, count = 0, cursor = 0; // its buffers
    std::deque<int> waiting;

    template <class T> LocalTensor<T> AllocTensor(int line = __builtin_LINE()) {
        core::where = {"AllocTensor", line};
        for (int tried = 0; tried < count; tried++) {
            const int place = first + cursor;
            cursor = (cursor + 1) % count;
            if (core::buffers[place].state == core::FREE) return allocated<T>(place);
        }
        core::fault(core::text("none of the %d buffers of the %s queue is free", count,
                               core::POSITION_NAMES[(int)POSITION]));
    }

    template <class T> bool EnQue(const LocalTensor<T> &tensor, int line = __builtin_LINE()) {
        core::Buffer &buffer = own(tensor, "EnQue", line);
        if (buffer.state == core::QUEUED) core::fault(core::name(tensor.buffer) + " is in its queue already");
        if ((int)waiting.size() >= depth)
            core::fault(core::text("%d tensors wait in a %s queue of depth %d", (int)waiting.size(),
                                   core::POSITION_NAMES[(int)POSITION], depth));
        buffer.state = core::QUEUED;
        buffer.full = signal(FULL);
        waiting.push_back(tensor.buffer);
        return true;
    }

    template <class T> LocalTensor<T> DeQue(int line = __builtin_LINE()) {
        core::where = {"DeQue", line};
        if (waiting.empty())
            core::fault(core::text("the %s queue is empty", core::POSITION_NAMES[(int)POSITION]));
        const int place = waiting.front();
        waiting.pop_front();
        core::Buffer &buffer = core::buffers[place];
        receive(buffer.full);
        buffer.state = core::DEQUEUED;
        return tensor<T>(place);
    }

    template <class T> void FreeTensor(LocalTensor<T> &tensor, int line = __builtin_LINE()) {
        core::Buffer &buffer = own(tensor, "FreeTensor", line);
        if (buffer.state == core::QUEUED)
            core::fault(core::name(tensor.buffer) + " is in its queue: DeQue it");
        buffer.state = core::FREE;
        buffer.empty = signal(EMPTY);
    }

  private:
    template <class T> LocalTensor<T> allocated(int place) {
        core::Buffer &buffer = core::buffers[place];
        if (buffer.empty >= 0) receive(buffer.empty);
        buffer.state = core::ALLOCATED;
        buffer.lives++;
        memset(core::memory + buffer.begin, 0xff, buffer.bytes); // "AllocTensor": what it holds is random
        return tensor<T>(place);
    }

    template <class T> LocalTensor<T> tensor(int place) const {
        const core::Buffer &buffer = core::buffers[place];
        LocalTensor<T> whole;
        (core::Local &)whole = {buffer.begin, buffer.begin + buffer.bytes, place, buffer.lives};
        return whole;
    }

    core::Buffer &own(const core::Local &tensor, const char *call, int line) {
        core::where = {call, line};
        core::buffer_of(tensor, "the tensor");
        if (tensor.buffer < first || tensor.buffer >= first + count)
            core::fault(core::name(tensor.buffer) + " is not of this queue");
        return core::buffers[tensor.buffer];
    }

    static int signal(int event) {
        const int id = core::allocate_event(event);
        core::set_flag(event, id);
        return event * core::EVENT_IDS + id;
    }

    static void receive(int &flag) {
        core::wait_flag(flag / core::EVENT_IDS, flag % core::EVENT_IDS);
        core::flags[flag / core::EVENT_IDS][flag % core::EVENT_IDS].allocated = false;
        flag = -1;
    }
};

template <TPosition position, int32_t depth>
class TQue : public TQueBind<position == TPosition::VECIN ? TPosition::GM : position,
                             position == TPosition::VECIN ? position : TPosition::GM, depth> {
    static_assert(position == TPosition::VECIN || position == TPosition::VECOUT, "TQue: VECIN or VECOUT");
};

template <TPosition position> class TBuf {
  public:
    int place = -1;

    template <class T> LocalTensor<T> Get() const {
        if (place < 0) core::fault("then Get of a TBuf without InitBuffer");
        const core::Buffer &buffer = core::buffers[place];
        LocalTensor<T> whole;
        (core::Local &)whole = {buffer.begin, buffer.begin + buffer.bytes, place, 0};
        return whole;
    }
    template <class T> LocalTensor<T> Get(uint32_t elements) const {
        LocalTensor<T> part = Get<T>();
        if (elements > part.GetSize())
            core::fault(core::text("then Get of %u elements of ", elements) + core::name(place));
        part.end = part.begin + elements * sizeof(T);
        return part;
    }
};

class TPipe;
static TPipe *pipe_of_block;

class TPipe {
  public:
    TPipe() { pipe_of_block = this; }

    template <TPosition source, TPosition target, int32_t depth>
    bool InitBuffer(TQueBind<source, target, depth> &queue, uint8_t number, uint32_t bytes,
                    int line = __builtin_LINE()) {
        core::where = {"InitBuffer", line};
        queue.first = (int)core::buffers.size(), queue.count = number;
        for (int turn = 0; turn < number; turn++) take(queue.POSITION, bytes, true);
        return true;
    }

    template <TPosition position>
    bool InitBuffer(TBuf<position> &buffer, uint32_t bytes, int line = __builtin_LINE()) {
        core::where = {"InitBuffer", line};
        buffer.place = take(position, bytes, false);
        return true;
    }

    // "FetchEventID" takes no id away; "AllocEventID" does, until ReleaseEventID.
    TEventID FetchEventID(HardEvent event) { return (TEventID)core::free_event((int)event); }
    template <HardEvent event> TEventID AllocEventID() { return (TEventID)core::allocate_event((int)event); }
    template <HardEvent event> void ReleaseEventID(TEventID id) {
        core::flag_of((int)event, id).allocated = false;
    }

  private:
    static int take(TPosition position, uint32_t bytes, bool queued) {
        bytes = (bytes + core::BLOCK - 1) / core::BLOCK * core::BLOCK;
        const uint32_t begin =
            core::buffers.empty() ? 0 : core::buffers.back().begin + core::buffers.back().bytes;
        if (begin + bytes > core::UNIFIED_BUFFER)
            core::fault(core::text("%u bytes are more than the unified buffer's %u", begin + bytes,
                                   core::UNIFIED_BUFFER));
        core::buffers.push_back({begin, bytes, position, queued, core::FREE, 0, -1, -1});
        int same = 0; // "TQue": a position has as many buffers of queues as there are event ids
        for (const core::Buffer &buffer : core::buffers)
            same += queued && buffer.queued && buffer.position == position;
        if (same > core::EVENT_IDS)
            core::fault(
                core::text("more than 8 buffers in queues of %s", core::POSITION_NAMES[(int)position]));
        if (core::buffers.size() > 64) core::fault("more than 64 buffers in a kernel");
        memset(core::memory + begin, 0xff, bytes);
        return (int)core::buffers.size() - 1;
    }
};

static inline TPipe *GetTPipePtr() { return pipe_of_block; }

} // namespace AscendC
