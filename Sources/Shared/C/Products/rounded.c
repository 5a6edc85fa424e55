// Products of factors that are rounded to bfloat16, with sums in float32: what a language model is run
// with where its options ask for it. Rows lie one after another, columns in panels of 32, pair of
// elements by pair of elements, as in screening.c.
#include "levels.h"

#include <string.h>
#if defined(__x86_64__)
#define AVX512_BF16 __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx512bf16,avx2,fma")))
#endif
#pragma STDC FP_CONTRACT OFF

enum { columns_of_panel = saeline_screen_latents };

// MARK: Rounding

#define ROUND                                                                                     \
  for (long k = 0; k < inner; k++) target[k] = to_bf16(source[k]);                                \
  memset(target + inner, 0, sizeof *target * (size_t)(width - inner));

#if defined(__x86_64__)
AVX2 static void round_avx2(const float *source, long inner, long width, uint16_t *target) { ROUND }
#endif
static void round_portable(const float *source, long inner, long width, uint16_t *target) { ROUND }

static void round_vector(const float *source, long inner, long width, uint16_t *target) {
#if defined(__x86_64__)
  if (saeline_best_level() >= saeline_avx2) {
    round_avx2(source, inner, width, target);
    return;
  }
#endif
  round_portable(source, inner, width, target);
}

void saeline_round_rows(const float *source, long rows, long inner, long stride, uint16_t *target) {
  long width = saeline_screen_width(inner);
  for (long row = 0; row < rows; row++)
    round_vector(source + row * stride, inner, width, target + row * width);
}

void saeline_round_panel(const float *source, long columns, long inner, long stride, int transposed,
                         uint16_t *target) {
  long width = saeline_screen_width(inner);
  if (transposed) {
    uint16_t vector[width];
    uint32_t *pairs = (uint32_t *)target;
    for (long column = 0; column < columns_of_panel; column++) {
      if (column < columns)
        round_vector(source + column * stride, inner, width, vector);
      else
        memset(vector, 0, sizeof *vector * (size_t)width);
      for (long pair = 0; pair < width / 2; pair++)
        memcpy(pairs + pair * columns_of_panel + column, vector + 2 * pair, 4);
    }
    return;
  }
  uint16_t vectors[2][columns_of_panel];
  for (long pair = 0; pair < width / 2; pair++) {
    for (long odd = 0; odd < 2; odd++) {
      long k = 2 * pair + odd;
      round_vector(source + k * stride, k < inner ? columns : 0, columns_of_panel, vectors[odd]);
    }
    uint16_t *place = target + 2 * pair * columns_of_panel;
    for (long column = 0; column < columns_of_panel; column++) {
      place[2 * column] = vectors[0][column];
      place[2 * column + 1] = vectors[1][column];
    }
  }
}

// MARK: Products

// What a pass over pairs of elements takes at once, so that a part of a panel stays in the first
// cache: rows as float32 lie on the stack.
enum { pairs_per_pass = 128, rows_per_pass = 96 };

typedef void pass_function(long pairs, const float *rows, const uint32_t *panel, float *tile,
                           long stride, int goes_on);

// Some rows, element by element, and the columns of two registers: every element of the result is one
// chain of fused multiply-adds in order of the inner index.
#define BLOCK(name, ATTRIBUTE, floats, integers, lanes, block_rows)                               \
  ATTRIBUTE static void name(long pairs, const float *rows, const uint32_t *panel, float *tile,   \
                             long stride, int goes_on) {                                          \
    floats sum[block_rows][2];                                                                    \
    UNROLLED for (int m = 0; m < block_rows; m++)                                                 \
      UNROLLED for (int n = 0; n < 2; n++) {                                                      \
        sum[m][n] = (floats)(0.0f);                                                               \
        if (goes_on) memcpy(&sum[m][n], tile + m * stride + n * lanes, sizeof(floats));           \
      }                                                                                           \
    for (long pair = 0; pair < pairs; pair++) {                                                   \
      UNROLLED for (int odd = 0; odd < 2; odd++) {                                                \
        integers both[2];                                                                         \
        UNROLLED for (int n = 0; n < 2; n++) {                                                    \
          memcpy(&both[n], panel + pair * columns_of_panel + n * lanes, sizeof(integers));        \
          both[n] = odd ? both[n] & (integers)(0xFFFF0000u) : both[n] << (integers)(16u);         \
        }                                                                                         \
        UNROLLED for (int m = 0; m < block_rows; m++) {                                           \
          floats one = (floats)(rows[(2 * pair + odd) * block_rows + m]);                         \
          UNROLLED for (int n = 0; n < 2; n++)                                                    \
            sum[m][n] = __builtin_elementwise_fma(one, (floats)both[n], sum[m][n]);               \
        }                                                                                         \
      }                                                                                           \
    }                                                                                             \
    UNROLLED for (int m = 0; m < block_rows; m++)                                                 \
      UNROLLED for (int n = 0; n < 2; n++)                                                        \
        memcpy(tile + m * stride + n * lanes, &sum[m][n], sizeof(floats));                        \
  }

typedef float floats_4 __attribute__((ext_vector_type(4)));
typedef uint32_t integers_4 __attribute__((ext_vector_type(4)));
BLOCK(block_portable, , floats_4, integers_4, 4, 6)
#if defined(__x86_64__)
typedef float floats_8 __attribute__((ext_vector_type(8)));
typedef uint32_t integers_8 __attribute__((ext_vector_type(8)));
typedef float floats_16 __attribute__((ext_vector_type(16)));
typedef uint32_t integers_16 __attribute__((ext_vector_type(16)));
BLOCK(block_avx2, AVX2, floats_8, integers_8, 8, 6)
BLOCK(block_avx512, AVX512, floats_16, integers_16, 16, 12)
#endif

#if defined(__x86_64__)

// The same of 12 rows and a panel by products of pairs of bfloat16; rows as they lie.
AVX512_BF16 static void pairs_512(long pairs, const uint16_t *rows, long width,
                                  const uint32_t *panel, float *tile, long stride, int goes_on) {
  enum { block_rows = 12 };
  __m512 sum[block_rows][2];
  UNROLLED for (int m = 0; m < block_rows; m++)
    UNROLLED for (int n = 0; n < 2; n++)
      sum[m][n] = goes_on ? _mm512_loadu_ps(tile + m * stride + 16 * n) : _mm512_setzero_ps();
  for (long pair = 0; pair < pairs; pair++) {
    __m512i first = _mm512_loadu_si512(panel + pair * columns_of_panel);
    __m512i second = _mm512_loadu_si512(panel + pair * columns_of_panel + 16);
    UNROLLED for (int m = 0; m < block_rows; m++) {
      int both;
      memcpy(&both, rows + m * width + 2 * pair, 4);
      __m512i one = _mm512_set1_epi32(both);
      sum[m][0] = _mm512_dpbf16_ps(sum[m][0], (__m512bh)one, (__m512bh)first);
      sum[m][1] = _mm512_dpbf16_ps(sum[m][1], (__m512bh)one, (__m512bh)second);
    }
  }
  UNROLLED for (int m = 0; m < block_rows; m++)
    UNROLLED for (int n = 0; n < 2; n++)
      _mm512_storeu_ps(tile + m * stride + 16 * n, sum[m][n]);
}

static void run_pairs(long rows, long panels, long width, const uint16_t *rows_values,
                      const uint32_t *panel_values, float *tile, long stride) {
  long pairs = width / 2;
  for (long start = 0; start < pairs; start += pairs_per_pass) {
    long count = pairs - start < pairs_per_pass ? pairs - start : pairs_per_pass;
    for (long number = 0; number < panels; number++)
      for (long row = 0; row < rows; row += 12)
        pairs_512(count, rows_values + row * width + 2 * start, width,
                  panel_values + (number * pairs + start) * columns_of_panel,
                  tile + row * stride + number * columns_of_panel, stride, start > 0);
  }
}

#endif

// Rows from bfloat16, in strips of as many as a block has, element by element.
static void widen(const uint16_t *rows, long width, long strips, long block_rows, long count,
                  float *target) {
  for (long strip = 0; strip < strips; strip++)
    for (long m = 0; m < block_rows; m++) {
      const uint16_t *row = rows + (strip * block_rows + m) * width;
      float *place = target + strip * block_rows * count + m;
      for (long k = 0; k < count; k++) {
        uint32_t bits = (uint32_t)row[k] << 16;
        memcpy(place + k * block_rows, &bits, 4);
      }
    }
}

static void run_passes(pass_function *pass, long block_rows, long block_columns, long rows,
                       long panels, long width, const uint16_t *rows_values,
                       const uint32_t *panel_values, float *tile, long stride) {
  float widened[rows_per_pass * 2 * pairs_per_pass];
  long pairs = width / 2;
  for (long row = 0; row < rows; row += rows_per_pass) {
    long here = rows - row < rows_per_pass ? rows - row : rows_per_pass;
    long strips = (here + block_rows - 1) / block_rows;
    for (long start = 0; start < pairs; start += pairs_per_pass) {
      long count = pairs - start < pairs_per_pass ? pairs - start : pairs_per_pass;
      widen(rows_values + row * width + 2 * start, width, strips, block_rows, 2 * count, widened);
      for (long column = 0; column < panels * columns_of_panel; column += block_columns) {
        const uint32_t *panel = panel_values + column / columns_of_panel * pairs * columns_of_panel +
                                start * columns_of_panel + column % columns_of_panel;
        for (long strip = 0; strip < strips; strip++)
          pass(count, widened + strip * block_rows * 2 * count, panel,
               tile + (row + strip * block_rows) * stride + column, stride, start > 0);
      }
    }
  }
}

int saeline_rounded_available(int kind) {
#if defined(__x86_64__)
  switch (kind) {
    case saeline_rounded_amx: return saeline_screen_available(saeline_bf16_amx);
    case saeline_rounded_avx512_bf16:
      return saeline_best_level() == saeline_avx512 && __builtin_cpu_supports("avx512bf16");
    case saeline_rounded_avx512: return saeline_best_level() == saeline_avx512;
    case saeline_rounded_avx2: return saeline_best_level() >= saeline_avx2;
  }
#endif
  return kind == saeline_rounded_portable;
}

void saeline_rounded_product(int kind, long rows, long panels, long width,
                             const uint16_t *rows_values, const uint16_t *panel_values, float *tile,
                             long stride) {
  const uint32_t *panel = (const uint32_t *)panel_values;
  switch (kind) {
#if defined(__x86_64__)
    case saeline_rounded_amx:
      saeline_screen_product(saeline_bf16_amx, rows, panels, width, rows_values, panel_values, tile,
                             stride);
      break;
    case saeline_rounded_avx512_bf16:
      run_pairs(rows, panels, width, rows_values, panel, tile, stride);
      break;
    case saeline_rounded_avx512:
      run_passes(block_avx512, 12, 32, rows, panels, width, rows_values, panel, tile, stride);
      break;
    case saeline_rounded_avx2:
      run_passes(block_avx2, 6, 16, rows, panels, width, rows_values, panel, tile, stride);
      break;
#endif
    default:
      run_passes(block_portable, 6, 8, rows, panels, width, rows_values, panel, tile, stride);
      break;
  }
}
