/* A disk with faults, between a process and its files: loaded with LD_PRELOAD, armed by disk_faults_arm.
 *
 * Calls that change what a folder holds are counted, whatever thread makes them: files made, written, cut, renamed,
 * removed and synced, folders made and synced. The n-th of them kills the process (before it, after it, or with half of
 * a write done), or fails with an error of the system, once or from then on. All of them are recorded with their data,
 * so that it can be worked out afterwards what a power cut would have left; so is what the process tells the world.
 *
 * Shared memory of SQLite (-shm) is left alone: it is written through a mapping, never synced, and made anew by whoever
 * opens the file first.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

enum mode { RECORD, KILL_BEFORE, KILL_HALF, KILL_AFTER, FAIL_ONCE, FAIL_FROM };
enum call { MAKE = 1, WRITE = 2, CUT = 4, SYNC = 8, NAME = 16 };

static const char *const CALLS[] = {[MAKE] = "make", [WRITE] = "write", [CUT] = "cut", [SYNC] = "sync", [NAME] = "name"};

#define MAX_FILES 4096
static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;
static char folder[PATH_MAX]; /* "" : not armed */
static char ending[NAME_MAX + 1]; /* of the names whose calls count; "" : all */
static char *names[MAX_FILES]; /* of open files below the folder, relative to it */
static int trace = -1, told = -1, fault;
static enum mode mode;
static unsigned calls; /* which kinds of call count */
static long at, counted;


/* Watch a folder: kill or fail at the at-th call of these kinds to names that end so, write the record to a file, and
 * take what is written to the descriptor `to` as what the process tells. */
void disk_faults_arm(const char *path, const char *record, int to, int how, long number, int error, unsigned kinds,
                     const char *end)
{
    snprintf(ending, sizeof ending, "%s", end);
    snprintf(folder, sizeof folder, "%s", path);
    trace = *record ? (int)syscall(SYS_openat, AT_FDCWD, record, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
    told = to;
    mode = how;
    at = number;
    fault = error;
    calls = kinds;
    counted = 0;
}

long disk_faults_count(void) { return counted; }

/* The name below the folder of a path; NULL for one elsewhere. */
static const char *below(const char *path)
{
    size_t length = strlen(folder), own = strlen(path);
    if (!length || strncmp(path, folder, length) || (path[length] && path[length] != '/'))
        return NULL;
    if (own > 4 && !strcmp(path + own - 4, "-shm"))
        return NULL;
    return path[length] ? path + length + 1 : ".";
}

static void record(const char *call, const char *name, const char *more, long offset, const void *data, size_t size,
                   long result)
{
    char head[2 * PATH_MAX];
    int saved = errno, length;
    if (trace < 0)
        return;
    length = snprintf(head, sizeof head, "%s %s %s %ld %zu %ld\n", call, name, more, offset, size, result);
    syscall(SYS_write, trace, head, length);
    if (size)
        syscall(SYS_write, trace, data, size);
    errno = saved;
}

static void die(void)
{
    kill(getpid(), SIGKILL);
    for (;;)
        pause();
}

/* What becomes of this call. */
enum fate { DONE, HALF, FAILED };

static int counts(enum call call, const char *name)
{
    size_t size = strlen(name), end = strlen(ending);
    return (calls & call) && size >= end && !strcmp(name + size - end, ending);
}

static enum fate meet(enum call call, const char *name)
{
    if (!counts(call, name))
        return DONE;
    counted++;
    if (mode == KILL_BEFORE && counted == at)
        die();
    if (mode == KILL_HALF && counted == at)
        return HALF;
    if ((mode == FAIL_ONCE && counted == at) || (mode == FAIL_FROM && counted >= at)) {
        errno = fault;
        return FAILED;
    }
    return DONE;
}

static void met(enum call call, const char *name)
{
    if (counts(call, name) && counted == at && (mode == KILL_AFTER || mode == KILL_HALF))
        die();
}

static int opened(const char *path, int flags, mode_t rights, int (*open_it)(int, const char *, int, mode_t), int dir)
{
    const char *name = dir == AT_FDCWD ? below(path) : NULL;
    struct stat status;
    int file, makes, saved;
    if (!name)
        return open_it(dir, path, flags, rights);
    pthread_mutex_lock(&guard);
    makes = (flags & O_CREAT) && stat(path, &status);
    /* Whoever may not write to a disk may not open a file of it for writing either. */
    if ((makes || (fault == EROFS && (flags & O_ACCMODE) != O_RDONLY)) && meet(MAKE, name) == FAILED)
        file = -1;
    else
        file = open_it(dir, path, flags, rights);
    saved = errno;
    if (makes)
        record(CALLS[MAKE], name, "file", 0, NULL, 0, file < 0 ? -1 : 0);
    else if (file >= 0 && flags & O_TRUNC)
        record(CALLS[CUT], name, "-", 0, NULL, 0, 0);
    if (file >= 0 && file < MAX_FILES) {
        free(names[file]);
        names[file] = strdup(name);
    }
    if (makes)
        met(MAKE, name);
    pthread_mutex_unlock(&guard);
    errno = saved;
    return file;
}

static int real_openat(int dir, const char *path, int flags, mode_t rights)
{
    return (int)syscall(SYS_openat, dir, path, flags, rights);
}

#define RIGHTS                                                                                                         \
    mode_t rights = 0;                                                                                                 \
    if (flags & (O_CREAT | O_TMPFILE)) {                                                                               \
        va_list more;                                                                                                  \
        va_start(more, flags);                                                                                         \
        rights = va_arg(more, mode_t);                                                                                 \
        va_end(more);                                                                                                  \
    }

int open(const char *path, int flags, ...)
{
    RIGHTS
    return opened(path, flags, rights, real_openat, AT_FDCWD);
}
int open64(const char *path, int flags, ...)
{
    RIGHTS
    return opened(path, flags | O_LARGEFILE, rights, real_openat, AT_FDCWD);
}
int openat(int dir, const char *path, int flags, ...)
{
    RIGHTS
    return opened(path, flags, rights, real_openat, dir);
}
int openat64(int dir, const char *path, int flags, ...)
{
    RIGHTS
    return opened(path, flags | O_LARGEFILE, rights, real_openat, dir);
}

static const char *name_of(int file) { return file >= 0 && file < MAX_FILES ? names[file] : NULL; }

int close(int file)
{
    pthread_mutex_lock(&guard);
    if (name_of(file)) {
        free(names[file]);
        names[file] = NULL;
    }
    pthread_mutex_unlock(&guard);
    return (int)syscall(SYS_close, file);
}

static ssize_t written(int file, const void *data, size_t size, off_t offset)
{
    ssize_t done;
    const char *name = name_of(file);
    enum fate fate;
    if (!name)
        return syscall(SYS_pwrite64, file, data, size, offset);
    pthread_mutex_lock(&guard);
    fate = meet(WRITE, name);
    if (fate == FAILED && fault == ENOSPC && counted == at && size > 1)
        fate = HALF; /* a disk that becomes full takes what still fits */
    done = fate == FAILED ? -1 : syscall(SYS_pwrite64, file, data, fate == HALF ? size / 2 : size, offset);
    record(CALLS[WRITE], name, "-", offset, data, done > 0 ? (size_t)done : 0, done);
    met(WRITE, name);
    pthread_mutex_unlock(&guard);
    return done;
}

ssize_t pwrite(int file, const void *data, size_t size, off_t offset) { return written(file, data, size, offset); }
ssize_t pwrite64(int file, const void *data, size_t size, off_t offset) { return written(file, data, size, offset); }

ssize_t write(int file, const void *data, size_t size)
{
    ssize_t done;
    if (name_of(file)) { /* no file of ours is appended to: the place is where the file stands */
        off_t offset = lseek(file, 0, SEEK_CUR);
        done = written(file, data, size, offset);
        if (done > 0)
            lseek(file, offset + done, SEEK_SET);
        return done;
    }
    if (file != told || !*folder)
        return syscall(SYS_write, file, data, size);
    pthread_mutex_lock(&guard); /* before it is told: what is told must have been recorded as told */
    record("told", ".", "-", 0, data, size, 0);
    done = syscall(SYS_write, file, data, size);
    pthread_mutex_unlock(&guard);
    return done;
}

static int cut(int file, off_t size)
{
    int done;
    const char *name = name_of(file);
    if (!name)
        return (int)syscall(SYS_ftruncate, file, size);
    pthread_mutex_lock(&guard);
    done = meet(CUT, name) == FAILED ? -1 : (int)syscall(SYS_ftruncate, file, size);
    record(CALLS[CUT], name, "-", size, NULL, 0, done);
    met(CUT, name);
    pthread_mutex_unlock(&guard);
    return done;
}

int ftruncate(int file, off_t size) { return cut(file, size); }
int ftruncate64(int file, off_t size) { return cut(file, size); }

static int synced(int file, long number)
{
    int done;
    const char *name = name_of(file);
    if (!name)
        return (int)syscall(number, file);
    pthread_mutex_lock(&guard);
    done = meet(SYNC, name) == FAILED ? -1 : (int)syscall(number, file);
    record(CALLS[SYNC], name, "-", 0, NULL, 0, done);
    met(SYNC, name);
    pthread_mutex_unlock(&guard);
    return done;
}

int fsync(int file) { return synced(file, SYS_fsync); }
int fdatasync(int file) { return synced(file, SYS_fdatasync); }

int unlink(const char *path)
{
    int done;
    const char *name = below(path);
    if (!name)
        return (int)syscall(SYS_unlink, path);
    pthread_mutex_lock(&guard);
    done = meet(NAME, name) == FAILED ? -1 : (int)syscall(SYS_unlink, path);
    record("remove", name, "-", 0, NULL, 0, done);
    met(NAME, name);
    pthread_mutex_unlock(&guard);
    return done;
}

int rename(const char *from, const char *to)
{
    int done;
    const char *old = below(from), *new = below(to);
    if (!old || !new)
        return (int)syscall(SYS_rename, from, to);
    pthread_mutex_lock(&guard);
    done = meet(NAME, new) == FAILED ? -1 : (int)syscall(SYS_rename, from, to);
    record("rename", old, new, 0, NULL, 0, done);
    met(NAME, new);
    pthread_mutex_unlock(&guard);
    return done;
}

int link(const char *from, const char *to)
{
    int done;
    const char *old = below(from), *new = below(to);
    if (!old || !new)
        return (int)syscall(SYS_link, from, to);
    pthread_mutex_lock(&guard);
    done = meet(NAME, new) == FAILED ? -1 : (int)syscall(SYS_link, from, to);
    record("link", old, new, 0, NULL, 0, done);
    met(NAME, new);
    pthread_mutex_unlock(&guard);
    return done;
}

int mkdir(const char *path, mode_t rights)
{
    int done;
    const char *name = below(path);
    struct stat status;
    if (!name || !stat(path, &status))
        return (int)syscall(SYS_mkdir, path, rights);
    pthread_mutex_lock(&guard);
    done = meet(MAKE, name) == FAILED ? -1 : (int)syscall(SYS_mkdir, path, rights);
    record(CALLS[MAKE], name, "folder", 0, NULL, 0, done);
    met(MAKE, name);
    pthread_mutex_unlock(&guard);
    return done;
}
