// A CUDA driver that computes nothing and tells what it is asked for, a line each: so that cuda.core itself can be
// driven where there is no GPU. Memory is the host's. FAILS="cuGraphLaunch 9 719" fails the tenth call with that code.
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int Result;
typedef struct {
    int id, pad, value[16];
} Attribute;
typedef struct {
    unsigned grid[3], block[3], shared_bytes;
    void *stream;
    Attribute *attributes;
    unsigned count;
} Launch;
enum { EARLY = 6 }; // programmatic stream serialization

static uintptr_t last = 0x10000;
static void *current;
static int capturing;

static void *made(void) { return (void *)(last += 16); }

static Result told(const char *name, const char *form, ...) {
    static char failing[64];
    static int left = -1, code, dead;
    if (left < 0 && sscanf(getenv("FAILS"), "%63s %d %d", failing, &left, &code) != 3) left = 0;
    va_list values;
    va_start(values, form);
    printf("%s ", name);
    vprintf(form, values);
    printf("\n");
    fflush(stdout);
    va_end(values);
    if (!strcmp(name, failing) && left-- <= 0) left = 0, dead = code;
    Result result = dead;
    if (dead < 700 || dead > 799) dead = 0; // after a failure of a kernel nothing goes any more
    return result;
}

// --- the machine: two GPUs of compute capability 9.0 ---------------------------------------------

static Result init(unsigned flags) { return 0; }
static Result version(int *found) { return *found = 13000, 0; }
static Result count(int *found) { return *found = 2, 0; }
static Result get(int *device, int number) { return *device = number, 0; }
static Result attribute(int *found, int which, int device) { return *found = which == 75 ? 9 : which == 76 ? 0 : 1, 0; }
static Result name(char *found, int bytes, int device) { return snprintf(found, bytes, "NVIDIA H200"), 0; }
static Result address(char *found, int bytes, int device) {
    return snprintf(found, bytes, "0000:%02X:00.0", 11 + device), 0;
}
static Result retain(void **context, int device) {
    return *context = made(), told("cuDevicePrimaryCtxRetain", "%d", device);
}
static Result set(void *context) { return current = context, 0; }
static Result get_current(void **context) { return *context = current, 0; }
static Result priorities(int *least, int *greatest) { return *least = 0, *greatest = -5, 0; }
static Result free_bytes(size_t *free, size_t *all) { return *free = 1 << 30, *all = 1u << 31, 0; }
static Result said(int code, const char **found) {
    return *found = code == 719 ? "CUDA_ERROR_LAUNCH_FAILED" : "CUDA_ERROR_UNKNOWN", 0;
}

// --- memory --------------------------------------------------------------------------------------

static Result allocate(void **found, size_t bytes) {
    return *found = aligned_alloc(256, (bytes + 255) / 256 * 256), told("cuMemAlloc", "%p", *found);
}
static Result let_go(void *memory) {
    Result result = told("cuMemFree", "%p", memory);
    return free(memory), result;
}
static Result allocate_host(void **found, size_t bytes) {
    return *found = calloc(1, bytes), told("cuMemAllocHost", "%p", *found);
}
static Result let_go_host(void *memory) {
    Result result = told("cuMemFreeHost", "%p", memory);
    return free(memory), result;
}
static Result copy(void *to, const void *from, size_t bytes, void *stream) {
    return memcpy(to, from, bytes), told("cuMemcpyAsync", "%zu %p", bytes, stream);
}

// --- kernels, streams, graphs, events ------------------------------------------------------------

static Result library(void **found) { return *found = made(), 0; }
static Result kernel(void **found, void *library, const char *name) {
    return *found = made(), told("cuLibraryGetKernel", "%s", name);
}
static Result stream(void **found, unsigned flags, int priority) { return *found = made(), 0; }
static Result wait(void *stream) { return told("cuStreamSynchronize", "%p", stream); }
static Result begin(void *stream, int mode) { return capturing = 1, told("cuStreamBeginCapture", "%p", stream); }
static Result info(void *stream, int *status, uint64_t *id, void **graph, void **nodes, void **edges, size_t *count) {
    if (status) *status = capturing;
    if (graph) *graph = made();
    return nodes && !edges ? 912 : 0; // a loss: of the edges, some may begin early
}
static Result end(void *stream, void **graph) { return capturing = 0, told("cuStreamEndCapture", "%p", stream); }
static Result launch(const Launch *config, void *kernel, void **arguments, void **extra) {
    int early = 0;
    for (const Attribute *one = config->attributes; one < config->attributes + config->count; one++)
        early |= one->id == EARLY && one->value[0];
    return told("cuLaunchKernelEx", "%p %u %u %d", config->stream, config->grid[0], config->block[0], early);
}
static Result graph(void **found, unsigned flags) { return *found = made(), 0; }
static Result kernel_node(void **found, void *graph, void **after, size_t count, void *parameters) {
    return *found = made(), told("cuGraphAddKernelNode", "%p %zu %p", *found, count, count ? after[0] : 0);
}
static Result event_node(void **found, void *graph, void **after, size_t count, void *event) {
    return *found = made(), told("cuGraphAddEventRecordNode", "%p %zu %p", *found, count, count ? after[0] : 0);
}
static Result object(void **found) { return *found = made(), 0; }
static Result instantiate(void **found, void *graph, void *parameters) {
    return *found = made(), told("cuGraphInstantiateWithParams", "%p", *found);
}
static Result run(void *graph, void *stream) { return told("cuGraphLaunch", "%p %p", graph, stream); }
static Result destroy(void *graph) { return told("cuGraphExecDestroy", "%p", graph); }
static Result event(void **found, unsigned flags) { return *found = made(), told("cuEventCreate", "%u", flags); }
static Result elapsed(float *ms, void *from, void *to) { return *ms = 0.5f, 0; }

static Result nothing(void) { return 0; }
static Result not_there(void) { return 801; }

static const struct { const char *name; void *function; } KNOWN[] = {
    {"cuInit", init}, {"cuDriverGetVersion", version}, {"cuDeviceGetCount", count}, {"cuDeviceGet", get},
    {"cuDeviceGetAttribute", attribute}, {"cuDeviceGetName", name}, {"cuDeviceGetPCIBusId", address},
    {"cuDevicePrimaryCtxRetain", retain}, {"cuDevicePrimaryCtxRelease", nothing}, {"cuCtxSetCurrent", set},
    {"cuCtxGetCurrent", get_current}, {"cuCtxGetStreamPriorityRange", priorities}, {"cuMemGetInfo", free_bytes},
    {"cuGetErrorName", said}, {"cuGetErrorString", said}, {"cuMemAlloc", allocate}, {"cuMemFree", let_go},
    {"cuMemAllocHost", allocate_host}, {"cuMemFreeHost", let_go_host}, {"cuMemcpyAsync", copy},
    {"cuLibraryLoadData", library}, {"cuLibraryUnload", nothing}, {"cuLibraryGetKernel", kernel},
    {"cuStreamCreateWithPriority", stream}, {"cuStreamDestroy", nothing}, {"cuStreamSynchronize", wait},
    {"cuStreamBeginCapture", begin}, {"cuStreamGetCaptureInfo", info}, {"cuStreamEndCapture", end},
    {"cuLaunchKernelEx", launch}, {"cuGraphCreate", graph}, {"cuGraphDestroy", nothing},
    {"cuGraphAddKernelNode", kernel_node}, {"cuGraphAddEventRecordNode", event_node},
    {"cuUserObjectCreate", object}, {"cuUserObjectRelease", nothing}, {"cuGraphRetainUserObject", nothing},
    {"cuGraphReleaseUserObject", nothing}, {"cuGraphInstantiateWithParams", instantiate}, {"cuGraphLaunch", run},
    {"cuGraphExecDestroy", destroy}, {"cuEventCreate", event}, {"cuEventDestroy", nothing},
    {"cuEventElapsedTime", elapsed},
};

Result cuGetProcAddress_v2(const char *name, void **function, int version, uint64_t flags, int *status) {
    *function = strcmp(name, "cuGetProcAddress") ? not_there : (void *)cuGetProcAddress_v2;
    for (size_t i = 0; i < sizeof KNOWN / sizeof *KNOWN; i++)
        if (!strcmp(name, KNOWN[i].name)) *function = KNOWN[i].function;
    if (status) *status = 0;
    return 0;
}
