// The team of threads that runs a decode step: launches over shared memory, programs shared by ranges.
// Compiled together with the emitted kernels; the runner calls what is not static.

#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST_ARRAYS = 8, MOST_THREADS = 1024, SPINS = 20000, STACK_BYTES = 16 << 20 };

typedef void (*entry)(long first, long last, long capacity, void *const *array);

typedef struct {
    entry run;
    long programs;
    long wait; // whether the whole team must have finished what came before
    void *array[MOST_ARRAYS];
} launch;

typedef struct team {
    void (*part)(struct team *team, long thread, void *work);
    void *work;
    long threads;
    atomic_long gate; // 0: not all threads exist yet, 1: go, -1: one could not be made, go home
    atomic_long arrived, generation;
    int64_t met_ns; // when all had come to where they met last
} team;

typedef struct {
    team *team;
    long thread;
} member;

#ifdef __APPLE__ // whose CLOCK_MONOTONIC counts microseconds
#define CLOCK CLOCK_UPTIME_RAW
#else
#define CLOCK CLOCK_MONOTONIC
#endif

static int64_t now_ns(void) {
    struct timespec time;
    clock_gettime(CLOCK, &time);
    return time.tv_sec * 1000000000ll + time.tv_nsec;
}

// A launch takes microseconds, so who waits spins; and yields when it lasts, as a shared host may have
// taken another's core away.
static void spin(long *spins) {
    if (++*spins > SPINS) sched_yield();
}

// Nobody leaves before all have come. The last to come looks at the clock: who waits may be asleep by then.
static void meet(team *team) {
    const long generation = atomic_load_explicit(&team->generation, memory_order_relaxed);
    if (atomic_fetch_add_explicit(&team->arrived, 1, memory_order_acq_rel) == team->threads - 1) {
        team->met_ns = now_ns();
        atomic_store_explicit(&team->arrived, 0, memory_order_relaxed);
        atomic_store_explicit(&team->generation, generation + 1, memory_order_release);
        return;
    }
    long spins = 0;
    while (atomic_load_explicit(&team->generation, memory_order_acquire) == generation) spin(&spins);
}

static void *join_team(void *argument) {
    const member *self = argument;
    long spins = 0;
    while (!atomic_load_explicit(&self->team->gate, memory_order_acquire)) spin(&spins);
    if (self->team->gate > 0) self->team->part(self->team, self->thread, self->team->work);
    return NULL;
}

// Calls `part` on each of a team, whose first member is the caller. Gives 0, or the error that kept a
// thread from being made: then nothing ran.
static int with_team(void (*part)(team *, long, void *), void *work, long threads) {
    if (threads < 1 || threads > MOST_THREADS) return EINVAL;
    team team = {.part = part, .work = work, .threads = threads};
    pthread_t handles[MOST_THREADS];
    member members[MOST_THREADS];
    pthread_attr_t attributes; // a kernel may keep some numbers for each token
    int error = pthread_attr_init(&attributes);
    if (!error) error = pthread_attr_setstacksize(&attributes, STACK_BYTES);
    long made = 1;
    for (; made < threads && !error; made += !error) {
        members[made] = (member){&team, made};
        error = pthread_create(&handles[made], &attributes, join_team, &members[made]);
    }
    pthread_attr_destroy(&attributes);
    atomic_store_explicit(&team.gate, error ? -1 : 1, memory_order_release);
    if (!error) part(&team, 0, work);
    for (long thread = 1; thread < made; thread++) pthread_join(handles[thread], NULL);
    return error;
}

// --- the decode step ------------------------------------------------------------------------------

typedef struct {
    const launch *launches;
    long count, steps, capacity;
    int32_t *token, *position; // null where the launches are not a decode step
    int64_t *step_ns;          // [steps]
    int64_t *launch_ns;        // [steps][count], or null: then launches are not timed alone
    int32_t *tokens;           // [steps]
} run;

// Ends with the team together. With `launch_ns` it meets after each launch, and times from meeting to meeting.
static void run_step(team *team, long thread, const run *run, int64_t *launch_ns) {
    for (long index = 0; index < run->count; index++) {
        const launch *one = &run->launches[index];
        if (one->wait && !launch_ns) meet(team);
        const int64_t before_ns = team->met_ns;
        const long first = one->programs * thread / team->threads;
        const long last = one->programs * (thread + 1) / team->threads;
        if (first < last) one->run(first, last, run->capacity, one->array);
        if (launch_ns) {
            meet(team);
            if (thread == 0) launch_ns[index] = team->met_ns - before_ns;
        }
    }
    if (!launch_ns) meet(team);
}

// A step lasts from the end of the one before it, so that no time falls between two steps.
static void run_part(team *team, long thread, void *work) {
    const run *run = work;
    meet(team);
    int64_t end_ns = team->met_ns;
    for (long step = 0; step < run->steps; step++) {
        run_step(team, thread, run, run->launch_ns ? run->launch_ns + step * run->count : NULL);
        if (thread == 0) {
            if (run->token) run->tokens[step] = *run->token;
            if (run->position) ++*run->position;
            run->step_ns[step] = team->met_ns - end_ns;
            end_ns = team->met_ns;
        }
        meet(team); // nobody reads the position before it has moved on
    }
}

int team_run(
    const launch *launches, long count, long steps, long capacity, long threads, int32_t *token,
    int32_t *position, int64_t *step_ns, int64_t *launch_ns, int32_t *tokens
) {
    run run = {launches, count, steps, capacity, token, position, step_ns, launch_ns, tokens};
    return with_team(run_part, &run, threads);
}

// --- memory ---------------------------------------------------------------------------------------

typedef struct {
    const uint64_t *memory;
    long words, passes;
    int64_t *pass_ns;   // [passes]
    atomic_ulong total; // kept, so that no compiler leaves the reading out
} probe;

static void probe_part(team *team, long thread, void *work) {
    probe *probe = work;
    const long first = probe->words * thread / team->threads;
    const long last = probe->words * (thread + 1) / team->threads;
    meet(team);
    for (long pass = 0; pass < probe->passes; pass++) {
        const int64_t before_ns = team->met_ns;
        uint64_t sum = 0;
        for (long word = first; word < last; word++) sum += probe->memory[word];
        atomic_fetch_add(&probe->total, sum);
        meet(team);
        if (thread == 0) probe->pass_ns[pass] = team->met_ns - before_ns;
        meet(team);
    }
}

// Reads `bytes` of memory `passes` times with all threads, each its contiguous share.
int team_probe(const void *memory, long bytes, long passes, long threads, int64_t *pass_ns, uint64_t *total) {
    probe probe = {memory, bytes / 8, passes, pass_ns, 0};
    const int error = with_team(probe_part, &probe, threads);
    *total = probe.total;
    return error;
}

typedef struct {
    const void *rows;
    void *panels;
    long count, inner, width, bytes;
} packing;

// One panel: [width][inner] to [inner][width], by tiles that stay in the nearest cache.
#define PACK(name, type)                                                                              \
    static void name(const type *restrict rows, type *restrict panel, long have, long inner, long width) { \
        enum { TILE = 32 };                                                                           \
        for (long start = 0; start < inner; start += TILE) {                                          \
            const long end = start + TILE < inner ? start + TILE : inner;                             \
            for (long lane = 0; lane < have; lane++)                                                  \
                for (long in = start; in < end; in++) panel[in * width + lane] = rows[lane * inner + in]; \
        }                                                                                             \
    }
PACK(pack_2_bytes, uint16_t)
PACK(pack_4_bytes, uint32_t)

// [rows][inner] to [rows / width][inner][width]; what the last panel lacks is left as it is.
static void pack_part(team *team, long thread, void *work) {
    const packing p = *(const packing *)work;
    const long panels = (p.count + p.width - 1) / p.width, size = p.width * p.inner;
    for (long panel = panels * thread / team->threads; panel < panels * (thread + 1) / team->threads; panel++) {
        const long left = p.count - panel * p.width, have = left < p.width ? left : p.width;
        if (p.bytes == 2)
            pack_2_bytes((const uint16_t *)p.rows + panel * size, (uint16_t *)p.panels + panel * size, have, p.inner, p.width);
        else
            pack_4_bytes((const uint32_t *)p.rows + panel * size, (uint32_t *)p.panels + panel * size, have, p.inner, p.width);
    }
}

int team_pack(const void *rows, void *panels, long count, long inner, long width, long bytes, long threads) {
    packing packing = {rows, panels, count, inner, width, bytes};
    return with_team(pack_part, &packing, threads);
}
