#include <cblas.h>
#include <stddef.h>
#include <stdlib.h>

// From the LAPACK within OpenBLAS: eigenvalues and eigenvectors of a symmetric matrix. The last two
// arguments are the lengths of the two texts, which Fortran passes last.
void dsyevd_(const char *jobz, const char *uplo, const blasint *n, double *a, const blasint *lda,
             double *w, double *work, const blasint *lwork, blasint *iwork, const blasint *liwork,
             blasint *info, size_t jobz_length, size_t uplo_length);

// Within OpenBLAS where it holds kernels for several processors: forget the chosen ones, choose again.
void gotoblas_dynamic_quit(void) __attribute__((weak));
void gotoblas_dynamic_init(void) __attribute__((weak));

// Has OpenBLAS run the kernels for a processor, as OPENBLAS_CORETYPE spells it; nothing where it has
// none to choose from. No product may be under way.
static inline void saeline_choose_kernels(const char *processor) {
  if (!gotoblas_dynamic_quit || !gotoblas_dynamic_init) return;
  setenv("OPENBLAS_CORETYPE", processor, 1);
  gotoblas_dynamic_quit();
  gotoblas_dynamic_init();
}

// Within OpenBLAS: the memory that a product works in, kept once it was taken.
void *blas_memory_alloc(int procpos) __attribute__((weak));
void blas_memory_free(void *buffer) __attribute__((weak));

// Has OpenBLAS take the memory of so many products at once; at most 64.
static inline void saeline_take_memory(int count) {
  void *taken[64];
  if (!blas_memory_alloc || !blas_memory_free) return;
  if (count > 64) count = 64;
  for (int i = 0; i < count; i++) taken[i] = blas_memory_alloc(0);
  for (int i = 0; i < count; i++) blas_memory_free(taken[i]);
}
