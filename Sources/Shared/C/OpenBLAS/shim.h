#include <cblas.h>
#include <stddef.h>

// From the LAPACK within OpenBLAS: eigenvalues and eigenvectors of a symmetric matrix. The last two
// arguments are the lengths of the two texts, which Fortran passes last.
void dsyevd_(const char *jobz, const char *uplo, const blasint *n, double *a, const blasint *lda,
             double *w, double *work, const blasint *lwork, blasint *iwork, const blasint *liwork,
             blasint *info, size_t jobz_length, size_t uplo_length);
