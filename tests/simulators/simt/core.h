// Runs SIMT kernels on the CPU: each thread of a block is a fiber, and the fibers take turns.
//
// A fiber runs until it waits or ends, and then the next one runs, in the threads' order or in reverse, as the
// blocks do. Where a result depends on the order, a barrier is missing, and the two orders differ. A block's
// shared memory begins as NaN bytes. Threads that wait for each other at different places, or for one that
// has ended, are reported and end the run.
//
// State is plain and static: one simulation at a time in a process; to use more cores, use more processes.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <sys/mman.h>
#include <utility>

#if !defined(__x86_64__) || !defined(__ELF__)
#ifndef SIMT_UCONTEXT
#define SIMT_UCONTEXT
#endif
#endif
#ifdef SIMT_UCONTEXT
#include <ucontext.h>
#endif

// Shared variables stand in a section of their own, so that a block's start can find and poison them. The
// address sanitizer guards no variable in such a section: under it they are plain static variables.
#ifdef __SANITIZE_ADDRESS__
#define SIMT_SHARED static
#else
#define SIMT_SHARED static __attribute__((section("simt_shared")))
extern "C" __attribute__((weak, visibility("hidden"))) char __start_simt_shared[], __stop_simt_shared[];
#endif

namespace simt {

constexpr int WARP = 32, MOST_THREADS = 1024;
constexpr size_t STACK_BYTES = 64 << 10;

struct Place {
    int x;
};

// --- fibers -------------------------------------------------------------------------------------------

#ifdef SIMT_UCONTEXT
using Context = ucontext_t;
static void change(Context &from, Context &to) { swapcontext(&from, &to); }
#else
using Context = void *; // the stack's end, where the registers are that a call must keep
extern "C" __attribute__((visibility("hidden"))) void simt_change(void **from, void *to);
asm(R"(
.text
.hidden simt_change
.globl simt_change
.type simt_change, @function
simt_change:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
.size simt_change, .-simt_change
)");
static void change(Context &from, Context &to) { simt_change(&from, to); }
#endif

enum State { READY, AT_BARRIER, IN_WARP, ENDED };

struct Fiber {
    Context context;
    State state;
    int line;   // where it waits
    int parity; // which of a warp's two buffers it uses next
};

static Fiber fibers[MOST_THREADS];
static char *stacks;
static Context outside;
static int threads, current, block, at_barrier, ended;
static int in_warp[MOST_THREADS / WARP];
static uint64_t exchanged[MOST_THREADS / WARP][2][WARP];
static bool reversed_order;
static void (*body)();
static char report[200];

static void go(int to) {
    const int from = current;
    current = to;
    if (from != to) change(fibers[from].context, fibers[to].context);
}

static void leave() { change(fibers[current].context, outside); }

template <class... Values> static void fail(const char *format, Values... values) {
    snprintf(report, sizeof report, format, values...);
    leave();
}

// --- taking turns -------------------------------------------------------------------------------------

static void fail_waiting() {
    int waiting = 0;
    for (int warp = 0; warp < threads / WARP; warp++) waiting += in_warp[warp];
    fail("block %d: deadlock: %d threads wait at a barrier, %d for their warp, %d have ended", block, at_barrier,
         waiting, ended);
}

static void next() { // the next fiber that can run
    for (int tried = 0, thread = current; tried < threads; tried++) {
        thread = (thread + (reversed_order ? threads - 1 : 1)) % threads;
        if (fibers[thread].state == READY) return go(thread);
    }
    ended == threads ? leave() : fail_waiting();
}

static void release(int first, int count) { // threads that all have come, first in order runs first
    const int line = fibers[first].line;
    for (int thread = first; thread < first + count; thread++) {
        if (fibers[thread].line != line)
            return fail("block %d: threads %d and %d meet at different places: lines %d and %d", block, first,
                        thread, line, fibers[thread].line);
        fibers[thread].state = READY;
    }
    go(reversed_order ? first + count - 1 : first);
}

static void wait(State state, int line) {
    fibers[current].state = state;
    fibers[current].line = line;
}

static void barrier(int line) {
    wait(AT_BARRIER, line);
    if (++at_barrier < threads) return next();
    at_barrier = 0;
    release(0, threads);
}

static void warp_barrier(int line) {
    const int warp = current / WARP;
    wait(IN_WARP, line);
    if (++in_warp[warp] < WARP) return next();
    in_warp[warp] = 0;
    release(warp * WARP, WARP);
}

// Two buffers in turn: a lane that is ahead never overwrites what another has still to read.
template <class Value> static Value from_lane(Value value, int lane, int line) {
    static_assert(sizeof(Value) <= sizeof(uint64_t));
    Fiber &fiber = fibers[current];
    auto &buffer = exchanged[current / WARP][fiber.parity ^= 1];
    memcpy(&buffer[current % WARP], &value, sizeof value);
    warp_barrier(line);
    memcpy(&value, &buffer[lane], sizeof value);
    return value;
}

static int lane() { return current % WARP; }

// Where a language may flush subnormal floats to zero, it does, if the processor can.
struct Arithmetic {
#if defined(SIMT_FLUSHES_SUBNORMALS) && defined(__SSE2__)
    const unsigned before = __builtin_ia32_stmxcsr();
    Arithmetic() { __builtin_ia32_ldmxcsr(before | 0x8040u); }
    ~Arithmetic() { __builtin_ia32_ldmxcsr(before); }
#endif
};

// --- launching ----------------------------------------------------------------------------------------

static void begin() {
    body();
    fibers[current].state = ENDED;
    ended++;
    next();
}

static void prepare(int thread) {
    char *const stack = stacks + thread * STACK_BYTES;
    const size_t bytes = STACK_BYTES - thread % 61 * 64; // so that the stacks' ends do not share a cache set
    Fiber &fiber = fibers[thread];
    fiber.state = READY;
    fiber.parity = 0;
#ifdef SIMT_UCONTEXT
    getcontext(&fiber.context);
    fiber.context.uc_stack.ss_sp = stack;
    fiber.context.uc_stack.ss_size = bytes;
    makecontext(&fiber.context, begin, 0);
#else
    void **top = (void **)(stack + bytes);
    *--top = nullptr; // aligns the stack as a call does
    *--top = (void *)begin;
    for (int saved = 0; saved < 6; saved++) *--top = nullptr;
    fiber.context = top;
#endif
}

static void run_block(int index) {
    block = index;
    at_barrier = ended = 0;
    memset(in_warp, 0, sizeof in_warp);
#ifndef __SANITIZE_ADDRESS__
    if (__start_simt_shared) memset(__start_simt_shared, 0xff, __stop_simt_shared - __start_simt_shared);
#endif
    for (int thread = 0; thread < threads; thread++) prepare(thread);
    current = reversed_order ? threads - 1 : 0;
    change(outside, fibers[current].context);
}

// Runs ``count`` blocks, or all of the ``grid`` where ``blocks`` is null. Returns a report of what went wrong, or null.
static const char *launch(void (*kernel)(), int grid, int block_threads, bool reverse, const int *blocks, int count) {
    report[0] = 0;
    if (block_threads % WARP || block_threads < WARP || block_threads > MOST_THREADS)
        return "a block must have whole warps, and 1024 threads at most";
    if (!stacks)
        stacks = (char *)mmap(nullptr, MOST_THREADS * STACK_BYTES, PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    body = kernel, threads = block_threads, reversed_order = reverse;
    count = blocks ? count : grid;
    const Arithmetic arithmetic;
    for (int turn = 0; turn < count && !report[0]; turn++) {
        const int place = reverse ? count - 1 - turn : turn;
        run_block(blocks ? blocks[place] : place);
    }
    return report[0] ? report : nullptr;
}

// --- calling kernels whose parameters are arrays and perhaps the capacity, in that order --------------------

static void *const *arguments;
static int capacity;

template <class Parameter> static Parameter argument(size_t place) {
    if constexpr (std::is_pointer_v<Parameter>) return (Parameter)arguments[place];
    else return capacity;
}

template <class... Parameters, size_t... places>
static void call(void (*kernel)(Parameters...), std::index_sequence<places...>) {
    kernel(argument<Parameters>(places)...);
}

template <class... Parameters> static void call(void (*kernel)(Parameters...)) {
    call(kernel, std::index_sequence_for<Parameters...>());
}

} // namespace simt
