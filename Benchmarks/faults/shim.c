// Lets calls of libc fail, stop short or end the process, and moves the clock, in a program that is started with LD_PRELOAD.
//
//   clang -O1 -fPIC -shared shim.c -o shim.so -ldl
//
// Comes in, by the environment:
//   FAULT_UNDER   only calls about paths below this absolute folder count
//   FAULT_CALLS   names of calls with commas between them: open, create (an open that may make the file), read (pread too),
//                 write (pwrite too), fsync, link, rename (renameat2 too), unlink, rmdir, mkdir, stat, list, mmap, close, truncate
//   FAULT_LIKE    only paths that contain this text
//   FAULT_AT      which of these calls, the first being 1; without it calls are only counted
//   FAULT_FOR     how many in a row; 0: all from there on; 1 if not given
//   FAULT_KIND    the number of an errno, or short (half of the bytes), kill (before the call), after (kill after it),
//                 part (kill after half of the bytes) or stop (SIGSTOP before it)
//   FAULT_LOG     a file that gets a line "call path" for each of these calls
//   FAULT_CLOCK   seconds that the wall clock is ahead, with ",SECONDS,AT" that it is set by so much AT seconds after the start
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum outcome { NORMAL, FAIL, SHORT, AFTER, PART };

static const char *under, *like, *kind;
static char calls[512];
static long first = 0, length = 1, seen = 0;
static int code = 0, log_file = -1;
static double clock_ahead = 0, clock_step = 0, clock_step_at = -1, clock_start = 0;

static double monotonic(void) {
  struct timespec time;
  syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &time);
  return time.tv_sec + time.tv_nsec * 1e-9;
}

__attribute__((constructor)) static void begin(void) {
  const char *text;
  under = getenv("FAULT_UNDER");
  like = getenv("FAULT_LIKE");
  kind = getenv("FAULT_KIND");
  if ((text = getenv("FAULT_CALLS"))) snprintf(calls, sizeof calls, ",%s,", text);
  if ((text = getenv("FAULT_AT"))) first = atol(text);
  if ((text = getenv("FAULT_FOR"))) length = atol(text);
  if (kind) code = atoi(kind);
  if ((text = getenv("FAULT_CLOCK"))) sscanf(text, "%lf,%lf,%lf", &clock_ahead, &clock_step, &clock_step_at);
  if ((text = getenv("FAULT_LOG"))) {
    int low = syscall(SYS_openat, AT_FDCWD, text, O_WRONLY | O_CREAT | O_APPEND, 0644);
    log_file = fcntl(low, F_DUPFD_CLOEXEC, 200);
    syscall(SYS_close, low);
  }
  clock_start = monotonic();
}

static void die(void) {
  syscall(SYS_kill, getpid(), SIGKILL);
  for (;;) pause();
}

// What is to become of a call about a path.
static enum outcome judge(const char *call, const char *path) {
  char name[32], whole[2 * PATH_MAX];
  if (!calls[0]) return NORMAL;
  snprintf(name, sizeof name, ",%s,", call);
  if (!strstr(calls, name)) return NORMAL;
  if (path[0] == '/') {
    snprintf(whole, sizeof whole, "%s", path);
  } else {
    long count = syscall(SYS_getcwd, whole, PATH_MAX);
    if (count < 0) return NORMAL;
    if (path[0] == '.' && path[1] == '/') path += 2;
    snprintf(whole + count - 1, PATH_MAX, "/%s", path);
  }
  if (under && strncmp(whole, under, strlen(under))) return NORMAL;
  if (like && !strstr(whole, like)) return NORMAL;
  long number = __atomic_add_fetch(&seen, 1, __ATOMIC_SEQ_CST);
  if (log_file >= 0) {
    char line[2 * PATH_MAX + 64];
    int count = snprintf(line, sizeof line, "%s %s\n", call, whole);
    syscall(SYS_write, log_file, line, count);
  }
  if (!first || !kind || number < first || (length > 0 && number >= first + length)) return NORMAL;
  if (code) return FAIL;
  if (!strcmp(kind, "short")) return SHORT;
  if (!strcmp(kind, "kill")) die();
  if (!strcmp(kind, "stop")) syscall(SYS_kill, getpid(), SIGSTOP);
  if (!strcmp(kind, "after")) return AFTER;
  if (!strcmp(kind, "part")) return PART;
  return NORMAL;
}

static enum outcome judge_file(const char *call, int file) {
  char link[64], path[PATH_MAX];
  if (!calls[0] || file < 0) return NORMAL;
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  long count = syscall(SYS_readlinkat, AT_FDCWD, link, path, PATH_MAX - 1);
  if (count <= 0) return NORMAL;
  path[count] = 0;
  return judge(call, path);
}

// The next library's function of the same name.
#define NEXT(name)                                                   \
  static __typeof__(&name) next;                                     \
  if (!next) next = (__typeof__(&name))dlsym(RTLD_NEXT, #name);      \
  int before = errno;                                                \
  (void)before;

// A call that fails with -1 and has no bytes to be short of.
#define SIMPLE(judged, expression)                                   \
  do {                                                               \
    enum outcome what = judged;                                      \
    errno = before;                                                  \
    if (what == FAIL) { errno = code; return -1; }                   \
    __typeof__(expression) answer = expression;                      \
    if (what >= AFTER) die();                                        \
    return answer;                                                   \
  } while (0)

// A call that moves bytes.
#define MOVING(judged, size, whole, half)                            \
  do {                                                               \
    enum outcome what = judged;                                      \
    errno = before;                                                  \
    if (what == FAIL) { errno = code; return -1; }                   \
    if (what == SHORT && size > 1) return half;                      \
    if (what == PART) { half; die(); }                               \
    ssize_t answer = whole;                                          \
    if (what == AFTER) die();                                        \
    return answer;                                                   \
  } while (0)

#define OPEN(name)                                                   \
  int name(const char *path, int flags, ...) {                       \
    NEXT(name)                                                       \
    mode_t mode = 0;                                                 \
    if (flags & (O_CREAT | __O_TMPFILE)) {                           \
      va_list rest;                                                  \
      va_start(rest, flags);                                         \
      mode = va_arg(rest, mode_t);                                   \
      va_end(rest);                                                  \
    }                                                                \
    SIMPLE(judge(flags & O_CREAT ? "create" : "open", path), next(path, flags, mode)); \
  }
OPEN(open)
OPEN(open64)

ssize_t read(int file, void *bytes, size_t count) {
  NEXT(read)
  MOVING(judge_file("read", file), count, next(file, bytes, count), next(file, bytes, count / 2));
}
ssize_t pread(int file, void *bytes, size_t count, off_t offset) {
  NEXT(pread)
  MOVING(judge_file("read", file), count, next(file, bytes, count, offset), next(file, bytes, count / 2, offset));
}
ssize_t write(int file, const void *bytes, size_t count) {
  NEXT(write)
  MOVING(judge_file("write", file), count, next(file, bytes, count), next(file, bytes, count / 2));
}
ssize_t pwrite(int file, const void *bytes, size_t count, off_t offset) {
  NEXT(pwrite)
  MOVING(judge_file("write", file), count, next(file, bytes, count, offset), next(file, bytes, count / 2, offset));
}
int fsync(int file) { NEXT(fsync) SIMPLE(judge_file("fsync", file), next(file)); }
int fdatasync(int file) { NEXT(fdatasync) SIMPLE(judge_file("fsync", file), next(file)); }
int ftruncate(int file, off_t length) { NEXT(ftruncate) SIMPLE(judge_file("truncate", file), next(file, length)); }
int link(const char *from, const char *to) { NEXT(link) SIMPLE(judge("link", to), next(from, to)); }
int rename(const char *from, const char *to) { NEXT(rename) SIMPLE(judge("rename", to), next(from, to)); }
int renameat2(int from_folder, const char *from, int to_folder, const char *to, unsigned flags) {
  NEXT(renameat2)
  SIMPLE(judge("rename", to), next(from_folder, from, to_folder, to, flags));
}
int unlink(const char *path) { NEXT(unlink) SIMPLE(judge("unlink", path), next(path)); }
int rmdir(const char *path) { NEXT(rmdir) SIMPLE(judge("rmdir", path), next(path)); }
int mkdir(const char *path, mode_t mode) { NEXT(mkdir) SIMPLE(judge("mkdir", path), next(path, mode)); }
int stat(const char *path, struct stat *result) { NEXT(stat) SIMPLE(judge("stat", path), next(path, result)); }
int lstat(const char *path, struct stat *result) { NEXT(lstat) SIMPLE(judge("stat", path), next(path, result)); }
int fstat(int file, struct stat *result) { NEXT(fstat) SIMPLE(judge_file("stat", file), next(file, result)); }

// As the kernel does it, the descriptor is gone whatever the answer.
int close(int file) {
  NEXT(close)
  enum outcome what = judge_file("close", file);
  errno = before;
  int result = next(file);
  if (what >= AFTER) die();
  if (what == FAIL) { errno = code; return -1; }
  return result;
}

DIR *opendir(const char *path) {
  NEXT(opendir)
  enum outcome what = judge("list", path);
  errno = before;
  if (what == FAIL) { errno = code; return NULL; }
  DIR *result = next(path);
  if (what >= AFTER) die();
  return result;
}
struct dirent *readdir(DIR *folder) {
  NEXT(readdir)
  enum outcome what = judge_file("list", dirfd(folder));
  errno = before;
  if (what == FAIL) { errno = code; return NULL; }
  struct dirent *result = next(folder);
  if (what >= AFTER) die();
  return result;
}

void *mmap(void *address, size_t count, int protection, int flags, int file, off_t offset) {
  NEXT(mmap)
  enum outcome what = flags & MAP_ANONYMOUS ? NORMAL : judge_file("mmap", file);
  errno = before;
  if (what == FAIL) { errno = code; return MAP_FAILED; }
  void *result = next(address, count, protection, flags, file, offset);
  if (what >= AFTER) die();
  return result;
}

int clock_gettime(clockid_t clock, struct timespec *time) {
  int result = syscall(SYS_clock_gettime, clock, time);
  if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
    double step = clock_step_at >= 0 && monotonic() - clock_start >= clock_step_at ? clock_step : 0;
    time->tv_sec += (long)(clock_ahead + step);
  }
  return result;
}
int gettimeofday(struct timeval *value, void *zone) {
  struct timespec time;
  (void)zone;
  clock_gettime(CLOCK_REALTIME, &time);
  value->tv_sec = time.tv_sec;
  value->tv_usec = time.tv_nsec / 1000;
  return 0;
}
time_t time(time_t *result) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (result) *result = now.tv_sec;
  return now.tv_sec;
}
