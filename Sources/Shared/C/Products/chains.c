// Products of matrices in float32 whose every element is one chain of fused multiply-adds, in order of
// the inner index, on every processor. Blocks of the factors are packed as registers take them; a chain
// that is interrupted between blocks goes on from the number in memory.
#include "levels.h"

#include <math.h>
#include <string.h>
#pragma STDC FP_CONTRACT OFF

enum {
  // Both packed blocks lie on the stack.
  inner_block = 160,
  row_block = 96,
  column_block = 256,
  rows_512 = 12,
  columns_512 = 32,
  rows_256 = 6,
  columns_256 = 16,
};

static float element(const float *base, long stride, int transposed, long row, long column) {
  return transposed ? base[column * stride + row] : base[row * stride + column];
}

static void begin(long rows, long columns, float *c, long stride, float keep) {
  for (long m = 0; m < rows; m++)
    for (long n = 0; n < columns; n++)
      c[m * stride + n] = keep == 0 ? 0 : keep == 1 ? c[m * stride + n] : keep * c[m * stride + n];
}

static void portable_chains(long rows, long columns, long inner, const float *a, long a_stride,
                            int a_transposed, const float *b, long b_stride, int b_transposed,
                            float *c, long c_stride, float scale) {
  for (long m = 0; m < rows; m++)
    for (long n = 0; n < columns; n++) {
      float sum = c[m * c_stride + n];
      for (long k = 0; k < inner; k++)
        sum = fmaf(scale * element(a, a_stride, a_transposed, m, k),
                   element(b, b_stride, b_transposed, k, n), sum);
      c[m * c_stride + n] = sum;
    }
}

#if defined(__x86_64__)

// Elements [count, inner] of A (or of B, seen from its columns) in strips of `width`, inner index by
// inner index; what is missing of the last strip is zero.
static void pack(const float *source, long outer_step, long inner_step, long count, long inner,
                 long width, float scale, float *target) {
  for (long start = 0; start < count; start += width) {
    long here = count - start < width ? count - start : width;
    const float *strip = source + start * outer_step;
    if (here < width) memset(target, 0, sizeof *target * (size_t)(width * inner));
    if (outer_step == 1) {
      for (long k = 0; k < inner; k++)
        for (long i = 0; i < here; i++) target[k * width + i] = scale * strip[k * inner_step + i];
    } else {
      for (long i = 0; i < here; i++)
        for (long k = 0; k < inner; k++)
          target[k * width + i] = scale * strip[i * outer_step + k * inner_step];
    }
    target += width * inner;
  }
}

AVX512 static void block_512(long inner, const float *a, const float *b, float *c, long stride) {
  __m512 sum[rows_512][2];
  UNROLLED for (int m = 0; m < rows_512; m++) {
    sum[m][0] = _mm512_loadu_ps(c + m * stride);
    sum[m][1] = _mm512_loadu_ps(c + m * stride + 16);
  }
  for (long k = 0; k < inner; k++) {
    __m512 first = _mm512_loadu_ps(b + k * columns_512);
    __m512 second = _mm512_loadu_ps(b + k * columns_512 + 16);
    UNROLLED for (int m = 0; m < rows_512; m++) {
      __m512 one = _mm512_set1_ps(a[k * rows_512 + m]);
      sum[m][0] = _mm512_fmadd_ps(one, first, sum[m][0]);
      sum[m][1] = _mm512_fmadd_ps(one, second, sum[m][1]);
    }
  }
  UNROLLED for (int m = 0; m < rows_512; m++) {
    _mm512_storeu_ps(c + m * stride, sum[m][0]);
    _mm512_storeu_ps(c + m * stride + 16, sum[m][1]);
  }
}

AVX2 static void block_256(long inner, const float *a, const float *b, float *c, long stride) {
  __m256 sum[rows_256][2];
  UNROLLED for (int m = 0; m < rows_256; m++) {
    sum[m][0] = _mm256_loadu_ps(c + m * stride);
    sum[m][1] = _mm256_loadu_ps(c + m * stride + 8);
  }
  for (long k = 0; k < inner; k++) {
    __m256 first = _mm256_loadu_ps(b + k * columns_256);
    __m256 second = _mm256_loadu_ps(b + k * columns_256 + 8);
    UNROLLED for (int m = 0; m < rows_256; m++) {
      __m256 one = _mm256_set1_ps(a[k * rows_256 + m]);
      sum[m][0] = _mm256_fmadd_ps(one, first, sum[m][0]);
      sum[m][1] = _mm256_fmadd_ps(one, second, sum[m][1]);
    }
  }
  UNROLLED for (int m = 0; m < rows_256; m++) {
    _mm256_storeu_ps(c + m * stride, sum[m][0]);
    _mm256_storeu_ps(c + m * stride + 8, sum[m][1]);
  }
}

// One register block of C, by way of `edge` where it is not whole.
static void add_block(int level, long rows, long columns, long inner, const float *a, const float *b,
                      float *c, long stride, float *edge) {
  long most_rows = level == saeline_avx512 ? rows_512 : rows_256;
  long most_columns = level == saeline_avx512 ? columns_512 : columns_256;
  int is_whole = rows == most_rows && columns == most_columns;
  float *target = is_whole ? c : edge;
  long step = is_whole ? stride : most_columns;
  if (!is_whole) {
    memset(edge, 0, sizeof *edge * (size_t)(most_rows * most_columns));
    for (long m = 0; m < rows; m++)
      memcpy(edge + m * step, c + m * stride, sizeof *edge * (size_t)columns);
  }
  if (level == saeline_avx512)
    block_512(inner, a, b, target, step);
  else
    block_256(inner, a, b, target, step);
  if (!is_whole)
    for (long m = 0; m < rows; m++)
      memcpy(c + m * stride, edge + m * step, sizeof *edge * (size_t)columns);
}

// The same of few rows, whose chains a whole row of B continues where it lies.
#define ROW_BY_ROW                                                                                 \
  for (long m = 0; m < rows; m++)                                                                  \
    for (long k = 0; k < inner; k++) {                                                             \
      float one = scale * a[a_transposed ? k * a_stride + m : m * a_stride + k];                   \
      const float *other = b + k * b_stride;                                                       \
      float *target = c + m * c_stride;                                                            \
      for (long n = 0; n < columns; n++) target[n] = fmaf(one, other[n], target[n]);               \
    }

AVX512 static void few_rows_512(long rows, long columns, long inner, const float *restrict a,
                                long a_stride, int a_transposed, const float *restrict b,
                                long b_stride, float *restrict c, long c_stride, float scale) {
  ROW_BY_ROW
}

AVX2 static void few_rows_256(long rows, long columns, long inner, const float *restrict a,
                              long a_stride, int a_transposed, const float *restrict b,
                              long b_stride, float *restrict c, long c_stride, float scale) {
  ROW_BY_ROW
}

static long least(long a, long b) { return a < b ? a : b; }

static void packed_chains(int level, long rows, long columns, long inner, const float *a,
                          long a_stride, int a_transposed, const float *b, long b_stride,
                          int b_transposed, float *c, long c_stride, float scale) {
  float packed_a[inner_block * row_block] __attribute__((aligned(64)));
  float packed_b[inner_block * column_block] __attribute__((aligned(64)));
  float edge[rows_512 * columns_512] __attribute__((aligned(64)));
  long strip_rows = level == saeline_avx512 ? rows_512 : rows_256;
  long strip_columns = level == saeline_avx512 ? columns_512 : columns_256;
  long a_row = a_transposed ? 1 : a_stride, a_inner = a_transposed ? a_stride : 1;
  long b_column = b_transposed ? b_stride : 1, b_inner = b_transposed ? 1 : b_stride;
  for (long n = 0; n < columns; n += column_block) {
    long width = least(column_block, columns - n);
    for (long k = 0; k < inner; k += inner_block) {
      long depth = least(inner_block, inner - k);
      pack(b + n * b_column + k * b_inner, b_column, b_inner, width, depth, strip_columns, 1, packed_b);
      for (long m = 0; m < rows; m += row_block) {
        long height = least(row_block, rows - m);
        pack(a + m * a_row + k * a_inner, a_row, a_inner, height, depth, strip_rows, scale, packed_a);
        for (long j = 0; j < width; j += strip_columns)
          for (long i = 0; i < height; i += strip_rows)
            add_block(level, least(strip_rows, height - i), least(strip_columns, width - j), depth,
                      packed_a + i * depth, packed_b + j * depth,
                      c + (m + i) * c_stride + n + j, c_stride, edge);
      }
    }
  }
}

#endif

void saeline_chain_product(int level, long rows, long columns, long inner, const float *a,
                           long a_stride, int a_transposed, const float *b, long b_stride,
                           int b_transposed, float *c, long c_stride, float scale, float keep) {
  begin(rows, columns, c, c_stride, keep);
#if defined(__x86_64__)
  enum { few = 2 };
  if (level != saeline_portable && rows <= few && !b_transposed) {
    if (level == saeline_avx512)
      few_rows_512(rows, columns, inner, a, a_stride, a_transposed, b, b_stride, c, c_stride, scale);
    else
      few_rows_256(rows, columns, inner, a, a_stride, a_transposed, b, b_stride, c, c_stride, scale);
    return;
  }
  if (level != saeline_portable) {
    packed_chains(level, rows, columns, inner, a, a_stride, a_transposed, b, b_stride, b_transposed,
                  c, c_stride, scale);
    return;
  }
#endif
  portable_chains(rows, columns, inner, a, a_stride, a_transposed, b, b_stride, b_transposed, c,
                  c_stride, scale);
}
