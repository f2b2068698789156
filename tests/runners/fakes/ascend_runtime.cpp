// A strict fake of what the Ascend runner calls of CANN's libraries: AscendCL, nnopbase and the operators.
//
// Addresses of the device are none of the host's: a host that follows one crashes. Memory starts poisoned. What is
// given to a stream runs when the stream is synchronised, in order, and a copy that does not wait for it sees that.
// Kernels and operators are run by two functions that the test sets. What CANN leaves undefined is a fault.
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace {
using Task = std::function<int()>;
struct Graph { std::vector<Task> tasks; };
struct Stream { std::vector<Task> queue; Graph *capture = nullptr; };
struct Event { int64_t ns = -1; };
struct Tensor { int64_t rank, dims[8]; int32_t type; uint64_t address; };
struct Executor { std::string name; std::vector<Tensor> tensors; double number; uint64_t workspace; };

constexpr uint64_t DEVICE = 1ull << 62;
std::map<uint64_t, size_t> memory, pinned; // first address of the host's to size
std::set<Stream *> streams;
std::set<Graph *> graphs;
std::set<Event *> events;
std::set<Tensor *> tensors;
std::set<Executor *> executors;
std::string faults, message, failing;
int failing_status = 0, failing_after = 0, gone = 0, last_error = 0;
bool ready = false, chosen = false;
int (*run_kernel)(const char *, uint32_t, int, const uint64_t *, const uint64_t *, int32_t);
int (*run_operator)(const char *, int, const Tensor *, double);

int fault(const std::string &what) { faults += what + "\n"; return 107000; }

// What every function does first: the device must be chosen, and a failure that the test wants comes now.
int begin(const char *name, bool needs_device = true) {
    if (needs_device && !(ready && chosen)) return fault(std::string(name) + " before aclInit and aclrtSetDevice");
    message = std::string("EZ9999: Inner Error!\nEZ9999: ") + name + " of the fake\n        TraceBack (most recent call last):";
    if (gone) return last_error = gone;
    if (failing == name && failing_after-- == 0) return failing.clear(), last_error = failing_status;
    return 0;
}
#define BEGIN(...) if (int status = begin(__func__ __VA_OPT__(, ) __VA_ARGS__)) return status

// The host's address of `size` bytes of the device, or null where they are not all in one live allocation.
char *host(uint64_t address, uint64_t size, uint64_t *room = nullptr) {
    auto found = memory.upper_bound(address - DEVICE);
    if (address < DEVICE || found == memory.begin()) return nullptr;
    --found;
    uint64_t offset = address - DEVICE - found->first;
    if (offset + size > found->second) return nullptr;
    if (room) *room = found->second - offset;
    return (char *)(address - DEVICE);
}

int copy(void *to, size_t room, const void *from, size_t size, int kind) {
    char *target = kind == 2 ? (char *)to : host((uint64_t)to, size);
    const char *source = kind == 1 ? (const char *)from : host((uint64_t)from, size);
    if (kind < 1 || kind > 3 || size > room || !target || !source)
        return fault("a copy of memory that is not the device's, or not all of it");
    memcpy(target, source, size);
    return 0;
}

bool is_pinned(const void *address, size_t size) {
    auto found = pinned.upper_bound((uint64_t)address);
    return found != pinned.begin() && (--found, (uint64_t)address + size <= found->first + found->second);
}

int enqueue(Stream *stream, Task task) {
    if (!streams.count(stream)) return fault("work for a stream that is not there");
    (stream->capture ? stream->capture->tasks : stream->queue).push_back(std::move(task));
    return 0;
}

bool busy() {
    for (Stream *one : streams) if (!one->queue.empty() || one->capture) return true;
    return false;
}
} // namespace

extern "C" {
void fake_set(decltype(run_kernel) kernel, decltype(run_operator) op) {
    run_kernel = kernel, run_operator = op, ready = chosen = false, gone = last_error = 0, failing.clear(), faults.clear();
    memory.clear(), pinned.clear(), streams.clear(), graphs.clear(), events.clear(), tensors.clear(), executors.clear();
}
const char *fake_faults() { return faults.c_str(); }
uint64_t fake_left() { return memory.size() + pinned.size() + graphs.size() + events.size() + tensors.size() + executors.size(); }
// The call of `name` after so many others fails; with `name` empty, every call from now on: the device is gone.
void fake_fail(const char *name, int status, int after) {
    if (*name) failing = name, failing_status = status, failing_after = after;
    else gone = status;
}
void fake_launch(const char *text, uint32_t blocks, Stream *stream, int count, const uint64_t *arrays, int32_t capacity) {
    std::string key(text);
    std::vector<uint64_t> given(arrays, arrays + count);
    if (!begin("launch")) enqueue(stream, [=] {
        std::vector<uint64_t> places, rooms;
        for (uint64_t address : given) {
            uint64_t room = 0;
            places.push_back((uint64_t)host(address, 1, &room)), rooms.push_back(room);
            if (!places.back()) return fault("a kernel's array is not in the device's memory"), 507015;
        }
        return run_kernel(key.c_str(), blocks, count, places.data(), rooms.data(), capacity);
    });
}

const char *aclGetRecentErrMsg() { return message.c_str(); }
const char *aclrtGetSocName() { return getenv("FAKE_SOC"); }
int aclrtGetLastError(int level) {
    int last = level ? fault("no such level") : last_error;
    return last_error = 0, last;
}
int aclInit(const char *path) { BEGIN(false); ready = !path; return 0; }
int aclrtGetDeviceCount(uint32_t *count) { BEGIN(false); *count = atoi(getenv("FAKE_DEVICES")); return 0; }
int aclrtSetDevice(int32_t device) { BEGIN(false); chosen = ready && device == 0; return chosen ? 0 : 107001; }
int aclrtResetDevice(int32_t device) { return device ? fault("another device is reset") : 0; }
int aclFinalize() { return ready = chosen = false, 0; }
int aclrtGetMemInfo(int kind, size_t *free, size_t *total) {
    BEGIN();
    *free = atoll(getenv("FAKE_FREE_BYTES")), *total = 64ull << 30;
    return kind == 1 ? 0 : fault("not the device's main memory");
}
int aclrtMalloc(void **address, size_t size, int policy) {
    BEGIN();
    if (!size || policy) return fault("aclrtMalloc of nothing, or by another policy");
    for (Stream *one : streams) if (one->capture) return fault("aclrtMalloc during a capture");
    void *made = malloc(size);
    memory[(uint64_t)made] = size;
    *address = (char *)memset(made, 0xff, size) + DEVICE;
    return 0;
}
int aclrtFree(void *address) {
    BEGIN();
    if (busy()) return fault("aclrtFree while a stream has work");
    if (!memory.erase((uint64_t)address - DEVICE)) return fault("aclrtFree of what is not allocated");
    return free((char *)address - DEVICE), 0;
}
int aclrtMallocHost(void **address, size_t size) {
    BEGIN();
    *address = memset(malloc(size), 0xff, size);
    pinned[(uint64_t)*address] = size;
    return 0;
}
int aclrtFreeHost(void *address) {
    BEGIN();
    if (busy() || !pinned.erase((uint64_t)address)) return fault("aclrtFreeHost too early, or twice");
    return free(address), 0;
}
int aclrtMemcpy(void *to, size_t room, const void *from, size_t size, int kind) {
    BEGIN();
    for (Stream *one : streams) if (one->capture) return 107030;
    return copy(to, room, from, size, kind);
}
int aclrtMemcpyAsync(void *to, size_t room, const void *from, size_t size, int kind, Stream *stream) {
    BEGIN();
    if (kind != 3 && !is_pinned(kind == 1 ? from : to, size)) return fault("an asynchronous copy of pageable memory");
    return enqueue(stream, [=] { return copy(to, room, from, size, kind); });
}
int aclrtCreateStream(Stream **stream) { BEGIN(); streams.insert(*stream = new Stream); return 0; }
int aclrtDestroyStream(Stream *stream) {
    BEGIN();
    if (!streams.erase(stream) || !stream->queue.empty()) return fault("aclrtDestroyStream twice, or with work");
    delete stream;
    return 0;
}
int aclrtSynchronizeStreamWithTimeout(Stream *stream, int32_t timeout) {
    BEGIN();
    if (!streams.count(stream) || timeout < 1) return fault("no stream, or no time, to wait for");
    if (stream->capture) return 107027;
    std::vector<Task> due;
    due.swap(stream->queue);
    for (const Task &task : due)
        if (int status = task()) return status;
    return 0;
}
int aclrtCreateEvent(Event **event) { BEGIN(); events.insert(*event = new Event); return 0; }
int aclrtDestroyEvent(Event *event) { BEGIN(); return events.erase(event) ? delete event, 0 : fault("no such event"); }
int aclrtRecordEvent(Event *event, Stream *stream) {
    BEGIN();
    if (!events.count(event)) return fault("no such event");
    event->ns = -1;
    return enqueue(stream, [=] {
        event->ns = std::chrono::steady_clock::now().time_since_epoch().count();
        return 0;
    });
}
int aclrtEventElapsedTime(float *ms, Event *first, Event *last) {
    BEGIN();
    if (!events.count(first) || !events.count(last) || first->ns < 0 || last->ns < 0) return 107006;
    *ms = (last->ns - first->ns) / 1e6f;
    return 0;
}
int aclmdlRICaptureBegin(Stream *stream, int mode) {
    BEGIN();
    if (!streams.count(stream) || stream->capture || !stream->queue.empty() || mode) return fault("capture of a busy stream");
    graphs.insert(stream->capture = new Graph);
    return 0;
}
int aclmdlRICaptureEnd(Stream *stream, Graph **graph) {
    BEGIN();
    if (!stream->capture) return 107029;
    *graph = stream->capture, stream->capture = nullptr;
    return 0;
}
int aclmdlRIExecuteAsync(Graph *graph, Stream *stream) {
    BEGIN();
    if (!graphs.count(graph)) return fault("no such graph");
    return enqueue(stream, [=] {
        for (const Task &task : graph->tasks)
            if (int status = task()) return status;
        return 0;
    });
}
int aclmdlRIDestroy(Graph *graph) { BEGIN(); return !busy() && graphs.erase(graph) ? delete graph, 0 : fault("no such graph"); }

// --- operators -------------------------------------------------------------------------------------

Tensor *aclCreateTensor(const int64_t *dims, uint64_t rank, int type, const int64_t *strides, int64_t offset, int format,
                        const int64_t *storage, uint64_t storage_rank, void *data) {
    if (offset || format != 2 || storage_rank != rank || rank > 8) return fault("not a plain tensor"), nullptr;
    Tensor *made = new Tensor{(int64_t)rank, {}, type, (uint64_t)data};
    int64_t stride = 1;
    for (int64_t place = (int64_t)rank - 1; place >= 0; stride *= dims[place], place--) {
        made->dims[place] = dims[place];
        if (strides[place] != stride || storage[place] != dims[place]) fault("not a contiguous tensor");
    }
    tensors.insert(made);
    return made;
}
Tensor *aclCreateScalar(void *value, int type) {
    Tensor *made = new Tensor{-1, {}, type, 0};
    if (type || *(float *)value != 1.0f) fault("not the f32 one");
    tensors.insert(made);
    return made;
}
int aclDestroyTensor(Tensor *tensor) { return tensors.erase(tensor) ? delete tensor, 0 : fault("no such tensor"); }
int aclDestroyScalar(Tensor *scalar) { return aclDestroyTensor(scalar); }

static int first_phase(const char *name, std::vector<Tensor *> given, double number, uint64_t *size, Executor **executor) {
    if (int status = begin(name)) return status;
    *executor = new Executor{name, {}, number, *size = 256};
    executors.insert(*executor);
    for (Tensor *one : given) {
        if (!tensors.count(one)) return fault(std::string(name) + ": no such tensor");
        (*executor)->tensors.push_back(*one);
    }
    return 0;
}
static int second_phase(const char *name, void *workspace, uint64_t size, Executor *executor, Stream *stream) {
    if (int status = begin(name)) return status;
    if (!executors.erase(executor) || executor->name != name) return fault(std::string(name) + ": not its executor");
    Executor own = *executor;
    delete executor;
    if (size != own.workspace) return fault(std::string(name) + ": a workspace of another size");
    return enqueue(stream, [=] {
        std::vector<Tensor> there = own.tensors;
        bool fits = host((uint64_t)workspace, size);
        for (Tensor &one : there) {
            int64_t bytes = one.type == 0 || one.type == 3 ? 4 : 2;
            for (int64_t place = 0; place < one.rank; place++) bytes *= one.dims[place];
            if (one.rank >= 0) one.address = (uint64_t)host(one.address, bytes), fits = fits && one.address;
        }
        if (!fits) return fault(own.name + ": memory that is not there"), 507015;
        return run_operator(own.name.c_str(), (int)there.size(), there.data(), own.number);
    });
}
#define OPERATOR(name, given, number, ...)                                                                             \
    int name##GetWorkspaceSize(__VA_ARGS__, uint64_t *size, Executor **executor) {                                     \
        return first_phase(#name, std::vector<Tensor *> given, number, size, executor);                                \
    }                                                                                                                  \
    int name(void *workspace, uint64_t size, Executor *executor, Stream *stream) {                                     \
        return second_phase(#name, workspace, size, executor, stream);                                                 \
    }
#define TOGETHER(...) {__VA_ARGS__}
OPERATOR(aclnnRmsNorm, TOGETHER(x, gamma, y, root), epsilon, Tensor *x, Tensor *gamma, double epsilon, Tensor *y, Tensor *root)
OPERATOR(aclnnAddRmsNorm, TOGETHER(a, b, gamma, y, root, sum), epsilon, Tensor *a, Tensor *b, Tensor *gamma, double epsilon,
         Tensor *y, Tensor *root, Tensor *sum)
OPERATOR(aclnnArgMax, TOGETHER(x, out), dim + 10 * keep, Tensor *x, int64_t dim, bool keep, Tensor *out)
OPERATOR(aclnnMv, TOGETHER(matrix, vec, out), math, Tensor *matrix, Tensor *vec, Tensor *out, int8_t math)
OPERATOR(aclnnAdd, TOGETHER(a, b, alpha, out), 0, Tensor *a, Tensor *b, Tensor *alpha, Tensor *out)
OPERATOR(aclnnCast, TOGETHER(x, out), type, Tensor *x, int type, Tensor *out)
}
