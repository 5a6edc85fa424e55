/* Counts the calls about files below one folder, and loses the answers to some as a network file system does.

   cc -O2 -shared -fPIC -o calls.so calls.c -ldl
   CALLS_FOLDER=/store CALLS_FILE=/counts LD_PRELOAD=calls.so program

   CALLS_FILE holds one 64-bit count for each name below and is shared by all processes. With CALLS_LOST=0.01 one
   call in a hundred that changes names is done, and then answered as its retransmission would be: link and mkdir
   with EEXIST, unlink and rename with ENOENT. */

#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { STAT, OPEN, CREATE, READ, WRITE, LINK, UNLINK, RENAME, FSYNC, LIST, NAMES, MKDIR, LOST, KINDS };
static uint64_t *counts;
static const char *folder;
static size_t folder_length;
static double lost;
static uint64_t state;
static unsigned char ours[65536];
#define REAL(result, name, ...) static result (*real_##name)(__VA_ARGS__)
REAL(int, stat, const char *, struct stat *);
REAL(int, open, const char *, int, ...);
REAL(ssize_t, read, int, void *, size_t);
REAL(ssize_t, pread, int, void *, size_t, off_t);
REAL(ssize_t, write, int, const void *, size_t);
REAL(int, link, const char *, const char *);
REAL(int, unlink, const char *);
REAL(int, rename, const char *, const char *);
REAL(int, fsync, int);
REAL(int, close, int);
REAL(DIR *, opendir, const char *);
REAL(struct dirent *, readdir, DIR *);
REAL(int, mkdir, const char *, mode_t);

/* Other libraries may call before the constructor runs. */
static void find(void) {
#define FIND(name) real_##name = dlsym(RTLD_NEXT, #name)
  FIND(stat); FIND(open); FIND(read); FIND(pread); FIND(write); FIND(link); FIND(unlink); FIND(rename);
  FIND(fsync); FIND(close); FIND(opendir); FIND(readdir); FIND(mkdir);
}

__attribute__((constructor)) static void begin(void) {
  find();
  folder = getenv("CALLS_FOLDER");
  folder_length = folder ? strlen(folder) : 0;
  if (getenv("CALLS_LOST")) lost = atof(getenv("CALLS_LOST"));
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  state = (uint64_t)now.tv_nsec * 0x9E3779B97F4A7C15u ^ (uint64_t)getpid() << 32;
  const char *file = getenv("CALLS_FILE");
  int descriptor = file ? real_open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0666) : -1;
  if (descriptor < 0) return;
  if (ftruncate(descriptor, KINDS * 8) == 0) {
    void *map = mmap(NULL, KINDS * 8, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    if (map != MAP_FAILED) counts = map;
  }
  real_close(descriptor);
}

static int below(const char *path) {
  if (!real_mkdir) find();
  return folder_length && strncmp(path, folder, folder_length) == 0;
}
static int count(int kind) {
  if (counts) __atomic_fetch_add(&counts[kind], 1, __ATOMIC_RELAXED);
  return 1;
}
static int mine(int descriptor) {
  if (!real_mkdir) find();
  return descriptor >= 0 && descriptor < 65536 && ours[descriptor];
}

/* Whether the answer to a call that was done gets lost. */
static int loses(void) {
  if (lost <= 0) return 0;
  uint64_t z = __atomic_add_fetch(&state, 0x9E3779B97F4A7C15u, __ATOMIC_RELAXED);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return (double)((z ^ (z >> 31)) >> 11) * 0x1p-53 < lost && count(LOST);
}
static int answer(int result, int code) {
  if (result == 0 && loses()) {
    errno = code;
    return -1;
  }
  return result;
}

int stat(const char *path, struct stat *status) {
  if (below(path)) count(STAT);
  return real_stat(path, status);
}
int open(const char *path, int flags, ...) {
  va_list rest;
  va_start(rest, flags);
  mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  int isBelow = below(path);
  int descriptor = real_open(path, flags, mode);
  int error = errno;
  if (isBelow) {
    count(flags & O_CREAT ? CREATE : OPEN);
    if (descriptor >= 0 && descriptor < 65536) ours[descriptor] = 1;
  }
  errno = error;
  return descriptor;
}
int close(int descriptor) {
  if (!real_close) find();
  if (descriptor >= 0 && descriptor < 65536) ours[descriptor] = 0;
  return real_close(descriptor);
}
ssize_t read(int descriptor, void *bytes, size_t length) {
  if (mine(descriptor)) count(READ);
  return real_read(descriptor, bytes, length);
}
ssize_t pread(int descriptor, void *bytes, size_t length, off_t offset) {
  if (mine(descriptor)) count(READ);
  return real_pread(descriptor, bytes, length, offset);
}
ssize_t write(int descriptor, const void *bytes, size_t length) {
  if (mine(descriptor)) count(WRITE);
  return real_write(descriptor, bytes, length);
}
int fsync(int descriptor) {
  if (mine(descriptor)) count(FSYNC);
  return real_fsync(descriptor);
}
int link(const char *from, const char *to) {
  if (!below(to)) return real_link(from, to);
  count(LINK);
  return answer(real_link(from, to), EEXIST);
}
int unlink(const char *path) {
  if (!below(path)) return real_unlink(path);
  count(UNLINK);
  return answer(real_unlink(path), ENOENT);
}
int rename(const char *from, const char *to) {
  if (!below(to)) return real_rename(from, to);
  count(RENAME);
  return answer(real_rename(from, to), ENOENT);
}
int mkdir(const char *path, mode_t mode) {
  if (!below(path)) return real_mkdir(path, mode);
  count(MKDIR);
  return answer(real_mkdir(path, mode), EEXIST);
}
DIR *opendir(const char *path) {
  int isBelow = below(path);
  DIR *result = real_opendir(path);
  if (isBelow) {
    count(LIST);
    if (result && dirfd(result) < 65536) ours[dirfd(result)] = 1;
  }
  return result;
}
struct dirent *readdir(DIR *stream) {
  if (mine(dirfd(stream))) count(NAMES);
  return real_readdir(stream);
}
