// Dot products and products of matrices in float32, in one order of summation on every processor.
// What comes in are rows as they lie; one vector register holds the 16 chains of an entry (two with
// AVX2), so that a single dot and a block of them compute the same bits.
#include "levels.h"

#include <math.h>
#pragma STDC FP_CONTRACT OFF

int saeline_best_level(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
    return saeline_avx512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return saeline_avx2;
#endif
  return saeline_portable;
}

static float portable_dot(const float *a, const float *b, long inner) {
  float sums[lanes] = {0};
  long whole = inner / lanes * lanes;
  for (long k = 0; k < whole; k += lanes)
    for (int lane = 0; lane < lanes; lane++) sums[lane] = fmaf(a[k + lane], b[k + lane], sums[lane]);
  for (int lane = 0; whole < inner && lane < lanes; lane++) {
    int inside = whole + lane < inner;
    sums[lane] = fmaf(inside ? a[whole + lane] : 0, inside ? b[whole + lane] : 0, sums[lane]);
  }
  for (int half = lanes / 2; half > 0; half /= 2)
    for (int lane = 0; lane < half; lane++) sums[lane] += sums[lane + half];
  return sums[0];
}

#if defined(__x86_64__)

// MARK: AVX2

struct pair {
  __m256 low, high;
};

AVX2 static inline __m256i mask_of(long count) {
  const __m256i places = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)count), places);
}

AVX2 static inline float sum_pair(__m256 low, __m256 high) {
  __m256 eight = _mm256_add_ps(low, high);
  __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

// An m × n block of dot products.
#define BLOCK_AVX2(name, M, N)                                                                    \
  AVX2 static void name(const float *const *a, const float *const *b, long inner, float *const *c, \
                        const long *places) {                                                     \
    __m256 low[M][N], high[M][N];                                                                 \
    for (int m = 0; m < M; m++)                                                                   \
      for (int n = 0; n < N; n++) low[m][n] = high[m][n] = _mm256_setzero_ps();                   \
    long k = 0;                                                                                   \
    for (; k + lanes <= inner; k += lanes) {                                                      \
      __m256 other[N];                                                                            \
      for (int n = 0; n < N; n++) other[n] = _mm256_loadu_ps(b[n] + k);                           \
      for (int m = 0; m < M; m++) {                                                               \
        __m256 one = _mm256_loadu_ps(a[m] + k);                                                   \
        for (int n = 0; n < N; n++) low[m][n] = _mm256_fmadd_ps(one, other[n], low[m][n]);        \
      }                                                                                           \
      for (int n = 0; n < N; n++) other[n] = _mm256_loadu_ps(b[n] + k + 8);                       \
      for (int m = 0; m < M; m++) {                                                               \
        __m256 one = _mm256_loadu_ps(a[m] + k + 8);                                               \
        for (int n = 0; n < N; n++) high[m][n] = _mm256_fmadd_ps(one, other[n], high[m][n]);      \
      }                                                                                           \
    }                                                                                             \
    if (k < inner) {                                                                              \
      __m256i first = mask_of(inner - k), second = mask_of(inner - k - 8);                        \
      for (int m = 0; m < M; m++)                                                                 \
        for (int n = 0; n < N; n++) {                                                             \
          low[m][n] = _mm256_fmadd_ps(_mm256_maskload_ps(a[m] + k, first),                        \
                                      _mm256_maskload_ps(b[n] + k, first), low[m][n]);            \
          high[m][n] = _mm256_fmadd_ps(_mm256_maskload_ps(a[m] + k + 8, second),                  \
                                       _mm256_maskload_ps(b[n] + k + 8, second), high[m][n]);     \
        }                                                                                         \
    }                                                                                             \
    for (int m = 0; m < M; m++)                                                                   \
      for (int n = 0; n < N; n++) c[m][places[n]] = sum_pair(low[m][n], high[m][n]);              \
  }

BLOCK_AVX2(block_avx2_3x2, 3, 2)
BLOCK_AVX2(block_avx2_1x2, 1, 2)
BLOCK_AVX2(block_avx2_1x4, 1, 4)
BLOCK_AVX2(block_avx2_1x1, 1, 1)

// MARK: AVX-512

AVX512 static inline float sum_lanes(__m512 sums) {
  return sum_pair(_mm512_castps512_ps256(sums), _mm512_extractf32x8_ps(sums, 1));
}

// The sums of 16 registers, each in its place: every step halves registers and lanes together.
AVX512 static inline __m512 sum_sixteen(const __m512 *s) {
  __m512 eight[8], four[4], two[2];
  for (int i = 0; i < 8; i++)
    eight[i] = _mm512_add_ps(_mm512_shuffle_f32x4(s[2 * i], s[2 * i + 1], 0x44),
                             _mm512_shuffle_f32x4(s[2 * i], s[2 * i + 1], 0xEE));
  for (int i = 0; i < 4; i++)
    four[i] = _mm512_add_ps(_mm512_shuffle_f32x4(eight[2 * i], eight[2 * i + 1], 0x88),
                            _mm512_shuffle_f32x4(eight[2 * i], eight[2 * i + 1], 0xDD));
  for (int i = 0; i < 2; i++)
    two[i] = _mm512_add_ps(
        _mm512_castpd_ps(_mm512_unpacklo_pd(_mm512_castps_pd(four[2 * i]),
                                            _mm512_castps_pd(four[2 * i + 1]))),
        _mm512_castpd_ps(_mm512_unpackhi_pd(_mm512_castps_pd(four[2 * i]),
                                            _mm512_castps_pd(four[2 * i + 1]))));
  __m512 one = _mm512_add_ps(_mm512_shuffle_ps(two[0], two[1], 0x88),
                             _mm512_shuffle_ps(two[0], two[1], 0xDD));
  // Lane 4i + j holds the sum of register i + 4j.
  const __m512i places = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  return _mm512_permutexvar_ps(places, one);
}

#define SUMS_AVX512(M, N)                                                                         \
  __m512 sum[M * N];                                                                              \
  for (int i = 0; i < M * N; i++) sum[i] = _mm512_setzero_ps();                                   \
  for (long k = 0; k + lanes <= inner; k += lanes) {                                              \
    __m512 other[N];                                                                              \
    for (int n = 0; n < N; n++) other[n] = _mm512_loadu_ps(b[n] + k);                             \
    for (int m = 0; m < M; m++) {                                                                 \
      __m512 one = _mm512_loadu_ps(a[m] + k);                                                     \
      for (int n = 0; n < N; n++) sum[m * N + n] = _mm512_fmadd_ps(one, other[n], sum[m * N + n]); \
    }                                                                                             \
  }                                                                                               \
  if (inner % lanes) {                                                                            \
    long k = inner / lanes * lanes;                                                               \
    __mmask16 mask = (__mmask16)((1u << (inner - k)) - 1);                                        \
    __m512 other[N];                                                                              \
    for (int n = 0; n < N; n++) other[n] = _mm512_maskz_loadu_ps(mask, b[n] + k);                 \
    for (int m = 0; m < M; m++) {                                                                 \
      __m512 one = _mm512_maskz_loadu_ps(mask, a[m] + k);                                         \
      for (int n = 0; n < N; n++) sum[m * N + n] = _mm512_fmadd_ps(one, other[n], sum[m * N + n]); \
    }                                                                                             \
  }

AVX512 static void block_avx512_4x4(const float *const *a, const float *const *b, long inner,
                                    float *c, long stride) {
  SUMS_AVX512(4, 4)
  __m512 all = sum_sixteen(sum);
  _mm_storeu_ps(c, _mm512_castps512_ps128(all));
  _mm_storeu_ps(c + stride, _mm512_extractf32x4_ps(all, 1));
  _mm_storeu_ps(c + 2 * stride, _mm512_extractf32x4_ps(all, 2));
  _mm_storeu_ps(c + 3 * stride, _mm512_extractf32x4_ps(all, 3));
}

#define BLOCK_AVX512(name, N)                                                                     \
  AVX512 static void name(const float *const *a, const float *const *b, long inner, float *c) {   \
    SUMS_AVX512(1, N)                                                                             \
    for (int n = 0; n < N; n++) c[n] = sum_lanes(sum[n]);                                         \
  }

BLOCK_AVX512(block_avx512_1x8, 8)
BLOCK_AVX512(block_avx512_1x4, 4)
BLOCK_AVX512(block_avx512_1x1, 1)

AVX512 static void dots_avx512(const float *vector, const float *matrix, long stride,
                               const int32_t *indices, long count, long inner, float *out) {
  const float *a[1] = {vector}, *b[8];
  long n = 0;
  for (; n + 8 <= count; n += 8) {
    for (int i = 0; i < 8; i++) b[i] = matrix + indices[n + i] * stride;
    block_avx512_1x8(a, b, inner, out + n);
  }
  for (; n + 4 <= count; n += 4) {
    for (int i = 0; i < 4; i++) b[i] = matrix + indices[n + i] * stride;
    block_avx512_1x4(a, b, inner, out + n);
  }
  for (; n < count; n++) {
    b[0] = matrix + indices[n] * stride;
    block_avx512_1x1(a, b, inner, out + n);
  }
}

AVX2 static void dots_avx2(const float *vector, const float *matrix, long stride,
                           const int32_t *indices, long count, long inner, float *out) {
  static const long places[4] = {0, 1, 2, 3};
  const float *a[1] = {vector}, *b[4];
  long n = 0;
  for (; n + 4 <= count; n += 4) {
    float *c[1] = {out + n};
    for (int i = 0; i < 4; i++) b[i] = matrix + indices[n + i] * stride;
    block_avx2_1x4(a, b, inner, c, places);
  }
  for (; n < count; n++) {
    float *c[1] = {out + n};
    b[0] = matrix + indices[n] * stride;
    block_avx2_1x1(a, b, inner, c, places);
  }
}

static void product_avx512(long rows, long columns, long inner, const float *a, long a_stride,
                           const float *b, long b_stride, float *c, long c_stride) {
  for (long n = 0; n < columns; n += 4) {
    long width = columns - n < 4 ? columns - n : 4;
    const float *other[4];
    for (int i = 0; i < width; i++) other[i] = b + (n + i) * b_stride;
    long m = 0;
    for (; width == 4 && m + 4 <= rows; m += 4) {
      const float *one[4];
      for (int i = 0; i < 4; i++) one[i] = a + (m + i) * a_stride;
      block_avx512_4x4(one, other, inner, c + m * c_stride + n, c_stride);
    }
    for (; m < rows; m++) {
      const float *one[1] = {a + m * a_stride};
      for (int i = 0; i < width; i++)
        block_avx512_1x1(one, other + i, inner, c + m * c_stride + n + i);
    }
  }
}

static void product_avx2(long rows, long columns, long inner, const float *a, long a_stride,
                         const float *b, long b_stride, float *c, long c_stride) {
  static const long places[2] = {0, 1};
  for (long n = 0; n < columns; n += 2) {
    long width = columns - n < 2 ? 1 : 2;
    const float *other[2];
    for (int i = 0; i < width; i++) other[i] = b + (n + i) * b_stride;
    long m = 0;
    for (; width == 2 && m + 3 <= rows; m += 3) {
      const float *one[3];
      float *target[3];
      for (int i = 0; i < 3; i++) {
        one[i] = a + (m + i) * a_stride;
        target[i] = c + (m + i) * c_stride + n;
      }
      block_avx2_3x2(one, other, inner, target, places);
    }
    for (; m < rows; m++) {
      const float *one[1] = {a + m * a_stride};
      float *target[1] = {c + m * c_stride + n};
      if (width == 2)
        block_avx2_1x2(one, other, inner, target, places);
      else
        block_avx2_1x1(one, other, inner, target, places);
    }
  }
}

#endif

void saeline_dots(int level, const float *vector, const float *matrix, long stride,
                  const int32_t *indices, long count, long inner, float *out) {
#if defined(__x86_64__)
  if (level == saeline_avx512) {
    dots_avx512(vector, matrix, stride, indices, count, inner, out);
    return;
  }
  if (level == saeline_avx2) {
    dots_avx2(vector, matrix, stride, indices, count, inner, out);
    return;
  }
#endif
  for (long n = 0; n < count; n++)
    out[n] = portable_dot(vector, matrix + indices[n] * stride, inner);
}

void saeline_dot_product(int level, long rows, long columns, long inner, const float *a,
                         long a_stride, const float *b, long b_stride, float *c, long c_stride) {
#if defined(__x86_64__)
  // Rows of A that the second cache holds while all of B passes by.
  enum { block = 48 };
  for (long m = 0; level != saeline_portable && m < rows; m += block) {
    long count = rows - m < block ? rows - m : block;
    if (level == saeline_avx512)
      product_avx512(count, columns, inner, a + m * a_stride, a_stride, b, b_stride,
                     c + m * c_stride, c_stride);
    else
      product_avx2(count, columns, inner, a + m * a_stride, a_stride, b, b_stride,
                   c + m * c_stride, c_stride);
  }
  if (level != saeline_portable) return;
#endif
  for (long m = 0; m < rows; m++)
    for (long n = 0; n < columns; n++)
      c[m * c_stride + n] = portable_dot(a + m * a_stride, b + n * b_stride, inner);
}
