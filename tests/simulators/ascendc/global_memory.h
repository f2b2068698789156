// Global memory: the arrays of the launch, and what its stores have written so far.
//
// Cores run here one after the other, but nothing orders them on the device: what one wrote, no other may touch,
// and what one has read, no other may write. Within a core, loads and scalar reads must be ordered after the stores
// that they read, and stores after what reads the bytes that they overwrite.
#pragma once

#include "core.h"

#include <set>

namespace core {

struct Loaded {
    uintptr_t begin, end;
    int block;
    uint32_t time;
    Pipe pipe;
};

struct Array {
    uintptr_t begin, end;
    std::vector<Loaded> loads; // of this launch
};

struct Stored {
    uintptr_t end;
    int block;
    uint32_t time; // of pipe MTE3
};

static std::vector<Array> arrays;
static std::map<uintptr_t, Stored> stores; // by first byte; they do not overlap

constexpr uintptr_t CACHE_LINE = 64;
static std::set<uintptr_t> fresh_lines; // of the core's data cache, by number

// Between launches, and by stores of this one, memory changes without the data cache.
static void check_cache(uintptr_t begin) {
    if (!fresh_lines.count(begin / CACHE_LINE))
        fault("the data cache may hold what was there before: DataCacheCleanAndInvalid comes first");
}

// A tensor in global memory, whatever its elements.
struct Global {
    uintptr_t begin = 0, end = 0; // end: as SetGlobalBuffer declared it
};

static int array_of(uintptr_t begin) {
    for (size_t place = 0; place < arrays.size(); place++)
        if (arrays[place].begin <= begin && begin < arrays[place].end) return (int)place;
    return -1;
}

// The number of the array that ``bytes`` from ``begin`` on lie in.
static int check_extent(const Global &tensor, const char *role, uintptr_t begin, uint64_t bytes) {
    if (begin + bytes > tensor.end)
        fault(std::string(role) +
              text(" reaches %lu bytes beyond what SetGlobalBuffer declared", begin + bytes - tensor.end));
    const int array = array_of(begin);
    if (array < 0) fault(std::string(role) + " lies outside of every array of the launch");
    if (begin + bytes > arrays[array].end)
        fault(std::string(role) + text(" reaches %lu bytes beyond the end of argument %d, of %lu bytes",
                                       begin + bytes - arrays[array].end, array,
                                       arrays[array].end - arrays[array].begin));
    return array;
}

static void check_loads(const Array &array, const char *role, uintptr_t begin, uintptr_t end) {
    for (const Loaded &loaded : array.loads) {
        if (loaded.end <= begin || end <= loaded.begin) continue;
        if (loaded.block != block)
            fault(std::string(role) +
                  text(" was read by block %d of the same launch: nothing orders the two", loaded.block));
        if (!ordered(MTE3, loaded.pipe, loaded.time))
            hazard(std::string(role) + " in global memory", "read", loaded.pipe, loaded.time, MTE3);
    }
}

static void check_order(Pipe pipe, const char *role, uintptr_t begin, uintptr_t end) {
    auto found = stores.upper_bound(begin);
    if (found != stores.begin()) --found;
    for (; found != stores.end() && found->first < end; ++found) {
        const Stored &stored = found->second;
        if (stored.end <= begin) continue;
        if (stored.block != block)
            fault(std::string(role) +
                  text(" was stored by block %d of the same launch: nothing orders the two", stored.block));
        if (!ordered(pipe, MTE3, stored.time))
            hazard(std::string(role) + " in global memory", "written", MTE3, stored.time, pipe);
    }
}

static void remember_store(uintptr_t begin, uintptr_t end) {
    fresh_lines.erase(fresh_lines.lower_bound(begin / CACHE_LINE),
                      fresh_lines.upper_bound((end - 1) / CACHE_LINE));
    auto found = stores.lower_bound(begin);
    if (found != stores.begin() && std::prev(found)->second.end > begin) { // cut the one that reaches in
        const Stored before = std::prev(found)->second;
        std::prev(found)->second.end = begin;
        if (before.end > end) stores[end] = before;
    }
    for (found = stores.lower_bound(begin); found != stores.end() && found->first < end;
         found = stores.erase(found))
        if (found->second.end > end) stores[end] = found->second;
    stores[begin] = {end, block, now[MTE3]};
}

// The bytes from ``offset`` on in ``tensor``, after all checks.
static uint8_t *reach(const Global &tensor, Pipe pipe, const char *role, uint64_t offset, uint64_t bytes) {
    const uintptr_t begin = tensor.begin + offset;
    Array &array = arrays[check_extent(tensor, role, begin, bytes)];
    if (!stores.empty()) check_order(pipe, role, begin, begin + bytes);
    if (pipe == MTE3) {
        check_loads(array, role, begin, begin + bytes);
        remember_store(begin, begin + bytes);
    } else {
        array.loads.push_back({begin, begin + bytes, block, now[pipe], pipe});
    }
    return (uint8_t *)begin;
}

} // namespace core
