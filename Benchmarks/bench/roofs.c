// What this machine can do at most: products per precision and number of threads, copies in memory, the disk.
// Comes in: a folder on the disk in question and the numbers of threads. Leaves: a line of JSON per roof on stdout.
//
//   roofs FOLDER THREADS …        (built by bench.py: cc -O2 roofs.c -lopenblas -lpthread)
//
// Without numbers of threads it only says which kernels OpenBLAS chose; OPENBLAS_CORETYPE chooses others.

#define _GNU_SOURCE
#include <cblas.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { SIZE = 1536, ROUNDS = 5, MOST_THREADS = 256 };
static const size_t COPY_BYTES = (size_t)256 << 20;
static const size_t DISK_BYTES = (size_t)512 << 20, DISK_BLOCK = (size_t)8 << 20;

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec + 1e-9 * time.tv_nsec;
}

static void *memory(size_t bytes) {
  void *taken = NULL;
  if (posix_memalign(&taken, 4096, bytes)) exit(1);
  memset(taken, 1, bytes);
  return taken;
}

// Work that threads begin together, on memory of their own.
typedef struct {
  void (*run)(void *own);
  void *own;
  pthread_barrier_t *start;
} Work;

static void *worker(void *argument) {
  Work *work = argument;
  pthread_barrier_wait(work->start);
  work->run(work->own);
  return NULL;
}

// Seconds from the common start to the end of the last thread, the best of some rounds.
static double seconds(int threads, void (*run)(void *), void *(*make)(void)) {
  static void *own[MOST_THREADS];
  for (int thread = 0; thread < threads; thread++) own[thread] = make();
  double best = 1e30;
  for (int round = 0; round < ROUNDS + 1; round++) {
    pthread_barrier_t start;
    pthread_barrier_init(&start, NULL, threads + 1);
    pthread_t ids[MOST_THREADS];
    Work works[MOST_THREADS];
    for (int thread = 0; thread < threads; thread++) {
      works[thread] = (Work){run, own[thread], &start};
      if (pthread_create(&ids[thread], NULL, worker, &works[thread])) exit(1);
    }
    pthread_barrier_wait(&start);
    double begun = now();
    for (int thread = 0; thread < threads; thread++) pthread_join(ids[thread], NULL);
    double taken = now() - begun;
    if (round > 0 && taken < best) best = taken;  // The first takes the memory that products work in.
    pthread_barrier_destroy(&start);
  }
  for (int thread = 0; thread < threads; thread++) free(own[thread]);
  return best;
}

static void *make_float32(void) {
  float *taken = memory(3 * SIZE * SIZE * sizeof(float));
  for (int index = 0; index < 2 * SIZE * SIZE; index++) taken[index] = (index % 1021 - 510) / 510.0f;
  return taken;
}

static void run_float32(void *own) {
  float *a = own, *b = a + SIZE * SIZE, *c = b + SIZE * SIZE;
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, SIZE, SIZE, SIZE, 1, a, SIZE, b, SIZE, 0, c, SIZE);
}

// The precisions in which products are made; one more is a line here and its two functions above.
static const struct {
  const char *name;
  void *(*make)(void);
  void (*run)(void *);
} PRODUCTS[] = {
    {"float32", make_float32, run_float32},
};

static void *make_copy(void) { return memory(2 * COPY_BYTES); }
static void run_copy(void *own) { memcpy(own, (char *)own + COPY_BYTES, COPY_BYTES); }

static void report(const char *roof, const char *precision, int threads, double rate, const char *unit) {
  printf("{\"roof\": \"%s\", \"precision\": \"%s\", \"threads\": %d, \"rate\": %.6g, \"unit\": \"%s\"}\n", roof,
         precision, threads, rate, unit);
  fflush(stdout);
}

// Writes and reads past the page cache where the file system allows it; else with fsync, and without what is kept.
static void disk(const char *folder) {
  char path[4096];
  snprintf(path, sizeof path, "%s/roofs-%d.tmp", folder, getpid());
  char *block = memory(DISK_BLOCK);
  for (size_t index = 0; index < DISK_BLOCK; index++) block[index] = (char)(index * 2654435761u >> 13);
  int file = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_DIRECT, 0600), direct = file >= 0;
  if (file < 0) file = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);
  if (file < 0) { perror(path); exit(1); }
  double begun = now();
  for (size_t done = 0; done < DISK_BYTES; done += DISK_BLOCK)
    if (write(file, block, DISK_BLOCK) != (ssize_t)DISK_BLOCK) { perror(path); unlink(path); exit(1); }
  fsync(file);
  double taken = now() - begun;
  report("disk write", "", 1, DISK_BYTES / taken, "B/s");
  posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
  close(file);
  file = open(path, O_RDONLY | (direct ? O_DIRECT : 0));
  begun = now();
  while (read(file, block, DISK_BLOCK) > 0) {}
  report("disk read", "", 1, DISK_BYTES / (now() - begun), "B/s");
  close(file);
  unlink(path);
  free(block);
}

int main(int count, char **words) {
  if (count < 2) { fprintf(stderr, "usage: roofs FOLDER THREADS ...\n"); return 2; }
  openblas_set_num_threads(1);
  printf("{\"openblas\": \"%s\", \"kernels\": \"%s\"}\n", openblas_get_config(), openblas_get_corename());
  if (count == 2) return 0;
  for (int word = 2; word < count; word++) {
    int threads = atoi(words[word]);
    if (threads < 1 || threads > MOST_THREADS) { fprintf(stderr, "roofs: %s threads\n", words[word]); return 2; }
    for (size_t index = 0; index < sizeof PRODUCTS / sizeof *PRODUCTS; index++) {
      double taken = seconds(threads, PRODUCTS[index].run, PRODUCTS[index].make);
      report("product", PRODUCTS[index].name, threads, 2.0 * SIZE * SIZE * SIZE * threads / taken, "FLOP/s");
    }
    // Bytes read and bytes written count once each.
    double taken = seconds(threads, run_copy, make_copy);
    report("copy", "", threads, 2.0 * COPY_BYTES * threads / taken, "B/s");
  }
  disk(words[1]);
  return 0;
}
