/* Faults at chosen system calls, for LD_PRELOAD.
 *
 * Every call of the C library that changes a file below a folder, or opens one there, is a point. Points are counted over
 * all processes that map the same control file, and told in its log. At the points from `first` to `last` the process is
 * killed, the call fails, waits, or the clock jumps. Where a journal is asked for, it tells of each call that has changed
 * names, and of each that has put a file on the disk, with a copy of what was in it then. faults_support.py has the other
 * side of the control file.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { CHANGE = 1, OPEN = 2, WRITE = 4 };                                    /* what a call does */
enum { KILL_BEFORE = 1, KILL_AFTER, KILL_TORN, FAIL, FAIL_TORN, PAUSE, JUMP }; /* what happens at a point */
enum { GO, REFUSE, HALF, DIE, HALF_AND_DIE };                                /* what becomes of the call */

struct control {
    int64_t armed, kind, action, first, last, error, seconds, whole_group; /* asked for */
    int64_t count, fired, paused, clock, log_size, copies;                 /* told */
    char folder[1000], call[100], part[300], journal[1000]; /* asked for */
    char log[1 << 21];
};

static struct control *control;

__attribute__((constructor)) static void map_control(void)
{
    const char *name = getenv("FAULTS_CONTROL");
    if (!name)
        return;
    int file = (int)syscall(SYS_openat, AT_FDCWD, name, O_RDWR | O_CLOEXEC);
    if (file < 0)
        return;
    void *mapped = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    syscall(SYS_close, file);
    control = mapped == MAP_FAILED ? NULL : mapped;
}

static void die(void)
{
    syscall(SYS_kill, control->whole_group ? 0 : getpid(), SIGKILL);
    for (;;)
        pause();
}

static int is_below(const char *path)
{
    size_t length = strlen(control->folder);
    return !strncmp(path, control->folder, length) && (path[length] == '/' || !path[length]);
}

static void tell(const char *call, const char *path, int64_t number)
{
    char line[4500];
    int length = snprintf(line, sizeof line, "%ld %d %s %s\n", (long)number, (int)getpid(), call, path);
    if (length >= (int)sizeof line)
        length = sizeof line - 1;
    int64_t at = __atomic_fetch_add(&control->log_size, length, __ATOMIC_SEQ_CST);
    if (at + length < (int64_t)sizeof control->log)
        memcpy(control->log + at, line, (size_t)length);
}

static int at_point(const char *call, const char *path, int what)
{
    if (!control || !control->armed || !(what & control->kind) || !is_below(path))
        return GO;
    int goes_on = control->fired && control->last > control->first; /* then it happens everywhere */
    if (!goes_on && ((*control->call && strcmp(call, control->call)) || (*control->part && !strstr(path, control->part))))
        return GO;
    int64_t number = __atomic_add_fetch(&control->count, 1, __ATOMIC_SEQ_CST);
    tell(call, path, number);
    if (number < control->first || number > control->last)
        return GO;
    __atomic_add_fetch(&control->fired, 1, __ATOMIC_SEQ_CST);
    switch (control->action) {
    case KILL_BEFORE:
        die();
        return GO;
    case KILL_AFTER:
        return DIE;
    case KILL_TORN:
        return what & WRITE ? HALF_AND_DIE : DIE;
    case FAIL_TORN:
        if (what & WRITE && number == control->first)
            return HALF;
        errno = (int)control->error;
        return REFUSE;
    case FAIL:
        errno = (int)control->error;
        return REFUSE;
    case PAUSE:
        control->paused = 1;
        while (__atomic_load_n(&control->paused, __ATOMIC_SEQ_CST))
            usleep(500);
        return GO;
    case JUMP:
        control->clock = control->seconds;
        return GO;
    default:
        return GO;
    }
}

static void link_target(const char *link, char *path, size_t size)
{
    ssize_t length = readlink(link, path, size - 1);
    path[length < 0 ? 0 : length] = 0;
}

static int at_file(const char *call, int file, int what)
{
    char link[40], path[4096];
    if (!control || !control->armed)
        return GO;
    int error = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    link_target(link, path, sizeof path);
    errno = error;
    return at_point(call, path, what);
}

static int at_name(const char *call, int folder, const char *name, int what)
{
    char link[40] = "/proc/self/cwd", base[4096], path[8300];
    if (!control || !control->armed || !name)
        return GO;
    if (*name == '/')
        return at_point(call, name, what);
    int error = errno;
    if (folder != AT_FDCWD)
        snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
    link_target(link, base, sizeof base);
    snprintf(path, sizeof path, "%s/%s", base, name);
    errno = error;
    return at_point(call, path, what);
}

static void write_journal(const char *call, const char *path, const char *other)
{
    char line[9000];
    int length = snprintf(line, sizeof line, "%s\t%s\t%s\n", call, path, other);
    int file = (int)syscall(SYS_openat, AT_FDCWD, control->journal, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0 || length >= (int)sizeof line || syscall(SYS_write, file, line, (size_t)length) != length)
        die(); /* a journal with gaps is none */
    syscall(SYS_close, file);
}

static void full_name(int folder, const char *name, char *path, size_t size)
{
    char link[40] = "/proc/self/cwd", base[4096] = "";
    if (*name != '/') {
        if (folder != AT_FDCWD)
            snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
        link_target(link, base, sizeof base - 1);
        strcat(base, "/");
    }
    snprintf(path, size, "%s%s", base, name);
}

/* A call has changed names: of `name` and, where it has two, of `other`, which it was before. */
static void note_names(const char *call, int folder, const char *name, int other_folder, const char *other)
{
    char path[8300], source[8300] = "";
    if (!control || !control->armed || !*control->journal)
        return;
    int error = errno;
    full_name(folder, name, path, sizeof path);
    if (other)
        full_name(other_folder, other, source, sizeof source);
    if (is_below(path))
        write_journal(call, path, source);
    errno = error;
}

/* A call has put a file, or the names in a folder, on the disk. */
static void note_sync(const char *call, int file)
{
    char link[40], path[4096], number[24] = "", copy[1100];
    struct stat of;
    if (!control || !control->armed || !*control->journal)
        return;
    int error = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    link_target(link, path, sizeof path);
    if (is_below(path) && !fstat(file, &of)) {
        if (S_ISREG(of.st_mode)) {
            snprintf(number, sizeof number, "%ld", (long)__atomic_add_fetch(&control->copies, 1, __ATOMIC_SEQ_CST));
            snprintf(copy, sizeof copy, "%s.%s", control->journal, number);
            int from = (int)syscall(SYS_openat, AT_FDCWD, link, O_RDONLY | O_CLOEXEC);
            int to = (int)syscall(SYS_openat, AT_FDCWD, copy, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
            long sent = from < 0 || to < 0 ? -1 : 1;
            while (sent > 0)
                sent = syscall(SYS_sendfile, to, from, NULL, (size_t)1 << 20);
            if (sent < 0)
                die();
            syscall(SYS_close, from);
            syscall(SYS_close, to);
        }
        write_journal(call, path, number);
    }
    errno = error;
}

/* The library's own function of this name. */
#define REAL(type, name, ...)                        \
    static type (*real)(__VA_ARGS__);                \
    if (!real)                                       \
        real = (type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name)

/* Make the call, unless it is refused. */
#define CARRY_OUT(type, fate, failed, call, done) \
    int decided = fate;                           \
    if (decided == REFUSE)                        \
        return failed;                            \
    type result = call;                           \
    if (result != failed)                         \
        done;                                     \
    if (decided >= DIE)                           \
        die();                                    \
    return result

#define NOTHING (void)0

#define ON_NAME(name, parameters, types, folder, path, arguments)                        \
    int name parameters                                                                  \
    {                                                                                    \
        REAL(int, name, types);                                                          \
        CARRY_OUT(int, at_name(#name, folder, path, CHANGE), -1, real arguments,         \
                  note_names(#name, folder, path, 0, NULL));                             \
    }
#define ON_NAMES(name, parameters, types, folder, path, other_folder, other, arguments)  \
    int name parameters                                                                  \
    {                                                                                    \
        REAL(int, name, types);                                                          \
        CARRY_OUT(int, at_name(#name, folder, path, CHANGE), -1, real arguments,         \
                  note_names(#name, folder, path, other_folder, other));                 \
    }
#define TYPES(...) __VA_ARGS__

ON_NAMES(rename, (const char *a, const char *b), TYPES(const char *, const char *), AT_FDCWD, b, AT_FDCWD, a, (a, b))
ON_NAMES(renameat, (int f, const char *a, int g, const char *b), TYPES(int, const char *, int, const char *), g, b, f, a,
         (f, a, g, b))
ON_NAMES(renameat2, (int f, const char *a, int g, const char *b, unsigned c),
         TYPES(int, const char *, int, const char *, unsigned), g, b, f, a, (f, a, g, b, c))
ON_NAMES(link, (const char *a, const char *b), TYPES(const char *, const char *), AT_FDCWD, b, AT_FDCWD, a, (a, b))
ON_NAMES(linkat, (int f, const char *a, int g, const char *b, int c), TYPES(int, const char *, int, const char *, int), g,
         b, f, a, (f, a, g, b, c))
ON_NAME(symlink, (const char *a, const char *b), TYPES(const char *, const char *), AT_FDCWD, b, (a, b))
ON_NAME(symlinkat, (const char *a, int g, const char *b), TYPES(const char *, int, const char *), g, b, (a, g, b))
ON_NAME(unlink, (const char *a), TYPES(const char *), AT_FDCWD, a, (a))
ON_NAME(unlinkat, (int f, const char *a, int c), TYPES(int, const char *, int), f, a, (f, a, c))
ON_NAME(remove, (const char *a), TYPES(const char *), AT_FDCWD, a, (a))
ON_NAME(mkdir, (const char *a, mode_t m), TYPES(const char *, mode_t), AT_FDCWD, a, (a, m))
ON_NAME(mkdirat, (int f, const char *a, mode_t m), TYPES(int, const char *, mode_t), f, a, (f, a, m))
ON_NAME(rmdir, (const char *a), TYPES(const char *), AT_FDCWD, a, (a))
ON_NAME(truncate, (const char *a, off_t n), TYPES(const char *, off_t), AT_FDCWD, a, (a, n))
ON_NAME(truncate64, (const char *a, off64_t n), TYPES(const char *, off64_t), AT_FDCWD, a, (a, n))
ON_NAME(chmod, (const char *a, mode_t m), TYPES(const char *, mode_t), AT_FDCWD, a, (a, m))
ON_NAME(fchmodat, (int f, const char *a, mode_t m, int c), TYPES(int, const char *, mode_t, int), f, a, (f, a, m, c))
ON_NAME(chown, (const char *a, uid_t u, gid_t g), TYPES(const char *, uid_t, gid_t), AT_FDCWD, a, (a, u, g))
ON_NAME(lchown, (const char *a, uid_t u, gid_t g), TYPES(const char *, uid_t, gid_t), AT_FDCWD, a, (a, u, g))
ON_NAME(utimensat, (int f, const char *a, const struct timespec t[2], int c),
        TYPES(int, const char *, const struct timespec *, int), f, a, (f, a, t, c))

#define ON_SYNC(name)                                                            \
    int name(int f)                                                              \
    {                                                                            \
        REAL(int, name, int);                                                    \
        CARRY_OUT(int, at_file(#name, f, CHANGE), -1, real(f), note_sync(#name, f)); \
    }
ON_SYNC(fsync)
ON_SYNC(fdatasync)

#define ON_FILE(name, parameters, types, file, arguments)                        \
    int name parameters                                                          \
    {                                                                            \
        REAL(int, name, types);                                                  \
        CARRY_OUT(int, at_file(#name, file, CHANGE), -1, real arguments, NOTHING); \
    }

ON_FILE(ftruncate, (int f, off_t n), TYPES(int, off_t), f, (f, n))
ON_FILE(ftruncate64, (int f, off64_t n), TYPES(int, off64_t), f, (f, n))
ON_FILE(fallocate, (int f, int m, off_t a, off_t n), TYPES(int, int, off_t, off_t), f, (f, m, a, n))
ON_FILE(fallocate64, (int f, int m, off64_t a, off64_t n), TYPES(int, int, off64_t, off64_t), f, (f, m, a, n))
ON_FILE(sync_file_range, (int f, off64_t a, off64_t n, unsigned c), TYPES(int, off64_t, off64_t, unsigned), f,
        (f, a, n, c))
ON_FILE(fchmod, (int f, mode_t m), TYPES(int, mode_t), f, (f, m))
ON_FILE(fchown, (int f, uid_t u, gid_t g), TYPES(int, uid_t, gid_t), f, (f, u, g))
ON_FILE(futimens, (int f, const struct timespec t[2]), TYPES(int, const struct timespec *), f, (f, t))

/* These return the error instead of setting errno. */
#define ON_ALLOCATION(name, offset)                                                              \
    int name(int f, offset a, offset n)                                                          \
    {                                                                                            \
        REAL(int, name, int, offset, offset);                                                    \
        int decided = at_file(#name, f, CHANGE);                                                 \
        int result = decided == REFUSE ? (int)control->error : real(f, a, n);                    \
        if (decided >= DIE)                                                                      \
            die();                                                                               \
        return result;                                                                           \
    }
ON_ALLOCATION(posix_fallocate, off_t)
ON_ALLOCATION(posix_fallocate64, off64_t)

#define ON_WRITE(name, parameters, types, file, length, arguments)                       \
    ssize_t name parameters                                                              \
    {                                                                                    \
        REAL(ssize_t, name, types);                                                      \
        int decided = at_file(#name, file, CHANGE | WRITE);                              \
        if (decided == REFUSE)                                                           \
            return -1;                                                                   \
        if ((decided == HALF || decided == HALF_AND_DIE) && (length) > 1)                \
            length /= 2;                                                                 \
        ssize_t result = real arguments;                                                 \
        if (decided >= DIE)                                                              \
            die();                                                                       \
        return result;                                                                   \
    }

ON_WRITE(write, (int f, const void *b, size_t n), TYPES(int, const void *, size_t), f, n, (f, b, n))
ON_WRITE(pwrite, (int f, const void *b, size_t n, off_t o), TYPES(int, const void *, size_t, off_t), f, n, (f, b, n, o))
ON_WRITE(pwrite64, (int f, const void *b, size_t n, off64_t o), TYPES(int, const void *, size_t, off64_t), f, n,
         (f, b, n, o))
ON_WRITE(writev, (int f, const struct iovec *v, int n), TYPES(int, const struct iovec *, int), f, n, (f, v, n))
ON_WRITE(pwritev, (int f, const struct iovec *v, int n, off_t o), TYPES(int, const struct iovec *, int, off_t), f, n,
         (f, v, n, o))
ON_WRITE(sendfile, (int f, int g, off_t *o, size_t n), TYPES(int, int, off_t *, size_t), f, n, (f, g, o, n))
ON_WRITE(sendfile64, (int f, int g, off64_t *o, size_t n), TYPES(int, int, off64_t *, size_t), f, n, (f, g, o, n))
ON_WRITE(copy_file_range, (int g, off64_t *p, int f, off64_t *o, size_t n, unsigned c),
         TYPES(int, off64_t *, int, off64_t *, size_t, unsigned), f, n, (g, p, f, o, n, c))

/* The C library's own buffers: what they hold is written by it without a call that could be met here. */
size_t fwrite(const void *data, size_t size, size_t count, FILE *stream)
{
    REAL(size_t, fwrite, const void *, size_t, size_t, FILE *);
    CARRY_OUT(size_t, at_file("fwrite", fileno(stream), CHANGE | WRITE), 0, real(data, size, count, stream),
              NOTHING);
}

#define MAKES(flags) ((flags) & O_CREAT || ((flags) & O_TMPFILE) == O_TMPFILE)
#define MODE_OF(flags)                   \
    mode_t mode = 0;                     \
    if (MAKES(flags)) {                  \
        va_list more;                    \
        va_start(more, flags);           \
        mode = va_arg(more, mode_t);     \
        va_end(more);                    \
    }
#define DONE_BY(flags) (OPEN | (MAKES(flags) || (flags) & O_TRUNC ? CHANGE : 0))

#define ON_OPEN(name)                                                                                   \
    int name(const char *path, int flags, ...)                                                          \
    {                                                                                                   \
        REAL(int, name, const char *, int, ...);                                                        \
        MODE_OF(flags)                                                                                  \
        CARRY_OUT(int, at_name(#name, AT_FDCWD, path, DONE_BY(flags)), -1, real(path, flags, mode),     \
                  MAKES(flags) ? note_names(#name, AT_FDCWD, path, 0, NULL) : NOTHING);             \
    }
ON_OPEN(open)
ON_OPEN(open64)

#define ON_OPENAT(name)                                                                                          \
    int name(int folder, const char *path, int flags, ...)                                                       \
    {                                                                                                            \
        REAL(int, name, int, const char *, int, ...);                                                            \
        MODE_OF(flags)                                                                                           \
        CARRY_OUT(int, at_name(#name, folder, path, DONE_BY(flags)), -1, real(folder, path, flags, mode),     \
                  MAKES(flags) ? note_names(#name, folder, path, 0, NULL) : NOTHING);                        \
    }
ON_OPENAT(openat)
ON_OPENAT(openat64)

int creat(const char *path, mode_t mode)
{
    return open(path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

int creat64(const char *path, mode_t mode)
{
    return open64(path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

#define ON_FOPEN(name)                                                                                           \
    FILE *name(const char *path, const char *mode)                                                               \
    {                                                                                                            \
        REAL(FILE *, name, const char *, const char *);                                                          \
        CARRY_OUT(FILE *, at_name(#name, AT_FDCWD, path, OPEN | (*mode == 'r' ? 0 : CHANGE)), NULL,              \
                  real(path, mode), *mode == 'r' ? NOTHING : note_names(#name, AT_FDCWD, path, 0, NULL));                   \
    }
ON_FOPEN(fopen)
ON_FOPEN(fopen64)

DIR *opendir(const char *path)
{
    REAL(DIR *, opendir, const char *);
    CARRY_OUT(DIR *, at_name("opendir", AT_FDCWD, path, OPEN), NULL, real(path), NOTHING);
}

int clock_gettime(clockid_t clock, struct timespec *moment)
{
    REAL(int, clock_gettime, clockid_t, struct timespec *);
    int result = real(clock, moment);
    if (control && control->armed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        moment->tv_sec += control->clock;
    return result;
}

int gettimeofday(struct timeval *restrict moment, void *restrict zone)
{
    REAL(int, gettimeofday, struct timeval *, void *);
    int result = real(moment, zone);
    if (control && control->armed)
        moment->tv_sec += control->clock;
    return result;
}

time_t time(time_t *moment)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (moment)
        *moment = now.tv_sec;
    return now.tv_sec;
}
