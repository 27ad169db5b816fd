/* Makes the disk fail at a chosen operation. Preloaded into the node by the tests of storage; see faults.rs.
 *
 * NOROSHI_IO_FAULT is one of
 *   kill-write:N[:BYTES]   end the process at the Nth write, after BYTES of it were written (a torn write)
 *   kill-sync:N            end the process before the Nth fsync
 *   fail-sync:N[:COUNT]    the Nth fsync and COUNT - 1 more fail with EIO; without COUNT all of them
 *   full-write:N[:COUNT]   the Nth write and COUNT - 1 more find the disk full; without COUNT all of them
 * Only files whose name contains "noroshi.db" count.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static char kind[16];
static long from, extra = -1;
static long writes, syncs;

__attribute__((constructor)) static void begin(void) {
    const char *fault = getenv("NOROSHI_IO_FAULT");
    if (fault == NULL || sscanf(fault, "%15[^:]:%ld:%ld", kind, &from, &extra) < 2) {
        kind[0] = 0;
    }
}

static int is_database(int file) {
    char link[64], name[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, name, sizeof name - 1);
    if (length <= 0) {
        return 0;
    }
    name[length] = 0;
    return strstr(name, "noroshi.db") != NULL;
}

static int is(const char *name) { return strcmp(kind, name) == 0; }

/* Whether operation number `now` is one of those that fail. */
static int is_due(long now) { return now >= from && (extra < 0 || now < from + extra); }

typedef ssize_t (*positioned)(int, const void *, size_t, off64_t);

/* 0: go on; -1: the write has failed. */
static int before_write(int file, const void *bytes, size_t length, off64_t at) {
    if (kind[0] == 0 || !is_database(file)) {
        return 0;
    }
    long now = __atomic_add_fetch(&writes, 1, __ATOMIC_SEQ_CST);
    if (is("kill-write") && now == from) {
        size_t torn = extra < 0 ? 0 : (size_t)extra;
        if (torn > length) {
            torn = length;
        }
        if (torn > 0) {
            positioned real = (positioned)dlsym(RTLD_NEXT, "pwrite64");
            real(file, bytes, torn, at);
        }
        kill(getpid(), SIGKILL);
        pause();
    }
    if (is("full-write") && is_due(now)) {
        errno = ENOSPC;
        return -1;
    }
    return 0;
}

ssize_t write(int file, const void *bytes, size_t length) {
    static ssize_t (*real)(int, const void *, size_t);
    if (real == NULL) {
        real = (ssize_t(*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
    }
    off64_t at = kind[0] != 0 && is_database(file) ? lseek64(file, 0, SEEK_CUR) : 0;
    return before_write(file, bytes, length, at) < 0 ? -1 : real(file, bytes, length);
}

ssize_t pwrite64(int file, const void *bytes, size_t length, off64_t at) {
    static positioned real;
    if (real == NULL) {
        real = (positioned)dlsym(RTLD_NEXT, "pwrite64");
    }
    return before_write(file, bytes, length, at) < 0 ? -1 : real(file, bytes, length, at);
}

ssize_t pwrite(int file, const void *bytes, size_t length, off_t at) { return pwrite64(file, bytes, length, at); }

static int before_sync(int file) {
    if (kind[0] == 0 || !is_database(file)) {
        return 0;
    }
    long now = __atomic_add_fetch(&syncs, 1, __ATOMIC_SEQ_CST);
    if (is("kill-sync") && now == from) {
        kill(getpid(), SIGKILL);
        pause();
    }
    if (is("fail-sync") && is_due(now)) {
        errno = EIO;
        return -1;
    }
    return 0;
}

int fsync(int file) {
    static int (*real)(int);
    if (real == NULL) {
        real = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    }
    return before_sync(file) < 0 ? -1 : real(file);
}

int fdatasync(int file) {
    static int (*real)(int);
    if (real == NULL) {
        real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    }
    return before_sync(file) < 0 ? -1 : real(file);
}
