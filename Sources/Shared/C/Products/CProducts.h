// Products that OpenBLAS does not have: float32 in an order of summation that is the same on every
// processor, and reduced precision with bounds of its error. docs/exactness.md states both.
#pragma once

#include <stdint.h>

// Which instructions a function may use.
enum saeline_level {
  saeline_portable = 0,
  saeline_avx2 = 1,
  saeline_avx512 = 2,
};

// The best that this processor has.
int saeline_best_level(void);

// The order of summation: 16 chains of fused multiply-adds, element i in chain i mod 16 from +0 on,
// elements beyond the last one as zeros; then chains i and i+8 are added, i and i+4, i and i+2, and
// the last two.

// out[n] = vector · matrix[indices[n]], rows of the matrix lying `stride` apart.
void saeline_dots(int level, const float *vector, const float *matrix, long stride,
                  const int32_t *indices, long count, long inner, float *out);

// c[m][n] = a[m] · b[n], each as saeline_dots has it.
void saeline_dot_product(int level, long rows, long columns, long inner, const float *a,
                         long a_stride, const float *b, long b_stride, float *c, long c_stride);

// c ← scale·a·b + keep·c with a [rows, inner], b [inner, columns] as they lie, or transposed: every
// element starts from keep·c and goes on by fused multiply-adds of (scale·a) and b in order of the
// inner index.
void saeline_chain_product(int level, long rows, long columns, long inner, const float *a,
                           long a_stride, int a_transposed, const float *b, long b_stride,
                           int b_transposed, float *c, long c_stride, float scale, float keep);

// Kinds of reduced precision. All hold numbers of 16 bits.
enum saeline_screen {
  saeline_bf16_amx = 1,
  saeline_int16_avx512 = 2,
  saeline_int16_vnni = 3,
  saeline_int16_avx2 = 4,
};

// Whether this processor, and the system for this process, can run a kind.
int saeline_screen_available(int kind);

// What a kind's kernels may read and write beyond the last row.
enum { saeline_screen_row_padding = 32, saeline_screen_latents = 32 };

// The elements of a vector of reduced precision: `inner` rounded up.
long saeline_screen_width(long inner);

// What is known of vectors v, in reduced precision v~, [count] each: the number that one step of v~
// stands for, and bounds of norms.
struct saeline_norms {
  float *scale;
  // Rows: what multiplies a latent's norm, and the norm of its rounding error. Latents: those.
  float *first, *second;
};

// Rows [rows, inner] to reduced precision [rows, width].
void saeline_screen_rows(int kind, const float *source, long rows, long inner, uint16_t *target,
                         struct saeline_norms norms);

// At most 32 latents [latents, inner] to a panel [width/2, 32, 2] of reduced precision; those that
// are missing become zeros.
void saeline_screen_panel(int kind, const float *source, long latents, long inner, uint16_t *target,
                          struct saeline_norms norms);

// tile[r][n] ← row · latent in reduced precision, int32 or float32, for `panels` panels of 32
// latents. Up to 31 rows more than `rows` are read and written.
void saeline_screen_product(int kind, long rows, long panels, long width, const uint16_t *rows_values,
                            const uint16_t *panel_values, void *tile, long stride);

// A row of a tile and what bounds its pre-activations.
struct saeline_scan {
  const void *numbers;
  long count;
  int kind;
  // Of the row.
  float scale, first, second, floor;
  // Of the latents.
  const float *latent_scale, *latent_first, *latent_second;
  const float *bias;
  // NULL where latents are not multiplied by their decoder's norms.
  const float *decoder_norm;
  // What each latent must exceed; NULL where `limit` is what all must.
  const float *limits;
  float limit;
  // Whether pre-activations are compared by magnitude.
  int magnitudes;
};

// Appends the latents (counted from 0 in the row) whose upper bound is not below or at the limit,
// with upper and lower bounds, from `*position` on; stops where fewer than 32 places are left.
// Returns the count.
long saeline_scan_row(int level, const struct saeline_scan *scan, long *position, int32_t *latents,
                      float *upper, float *lower, long count, long capacity);

// How products of factors that are rounded to bfloat16 are computed. The last three are one chain of
// fused multiply-adds in float32 per element, in order of the inner index, with the same result.
enum saeline_rounded {
  saeline_rounded_amx = 1,
  saeline_rounded_avx512_bf16 = 2,
  saeline_rounded_avx512 = 3,
  saeline_rounded_avx2 = 4,
  saeline_rounded_portable = 5,
};

// Whether this processor, and the system for this process, can run one.
int saeline_rounded_available(int kind);

// Rows [rows, inner] that lie `stride` apart to bfloat16 [rows, width].
void saeline_round_rows(const float *source, long rows, long inner, long stride, uint16_t *target);

// At most 32 columns of b [inner, columns] as it lies, or transposed, to a panel [width/2, 32, 2] of
// bfloat16; those that are missing become zeros.
void saeline_round_panel(const float *source, long columns, long inner, long stride, int transposed,
                         uint16_t *target);

// tile[r][n] ← row · column for `panels` panels of 32 columns. Up to 31 rows more than `rows` are read
// and written.
void saeline_rounded_product(int kind, long rows, long panels, long width,
                             const uint16_t *rows_values, const uint16_t *panel_values, float *tile,
                             long stride);
