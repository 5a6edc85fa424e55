// Products in reduced precision, and what bounds their distance from the products in float32: the
// proof is in docs/exactness.md. Panels hold 32 vectors, pair of elements by pair of elements.
#include "levels.h"

#include <math.h>
#include <string.h>
#if defined(__x86_64__)
#include <sys/syscall.h>
#include <unistd.h>
#define VNNI __attribute__((target("avx2,fma,avxvnni")))
#define AVX512_VNNI __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx512vnni,avx2,fma")))
#define AMX __attribute__((target("amx-tile,amx-bf16,avx512f")))
#endif
#pragma STDC FP_CONTRACT OFF

enum { latents_of_panel = saeline_screen_latents };

static int is_integer(int kind) { return kind >= saeline_int16_avx512; }

long saeline_screen_width(long inner) { return (inner + 31) / 32 * 32; }

// MARK: Reduced precision

// The largest norm and element of a vector in int16: with them no sum of products, of whatever
// elements, leaves int32, by Cauchy and Schwarz.
static const float integer_norm = 46000, integer_element = 32767;

// What the norm of a vector may lie above the one that was computed, relatively and absolutely.
static float norm_slack(long inner) { return 1 + (float)(inner / lanes + lanes) * 0x1p-23f; }
static float norm_floor(long inner) { return sqrtf((float)inner) * 0x1p-74f; }

// A bound of a vector's norm from the sum of squares as computed; infinite where bounds do not hold.
static float norm_bound(float squares, long inner) {
  if (!(squares <= 0x1p100f)) return INFINITY;
  return sqrtf(squares) * norm_slack(inner) + norm_floor(inner);
}

static float sum_of(const float *sums) {
  float part[lanes];
  memcpy(part, sums, sizeof part);
  for (int half = lanes / 2; half > 0; half /= 2)
    for (int lane = 0; lane < half; lane++) part[lane] += part[lane + half];
  return part[0];
}

static inline float from_bf16(uint16_t value) {
  uint32_t bits = (uint32_t)value << 16;
  float result;
  memcpy(&result, &bits, 4);
  return result;
}

// A vector in reduced precision: its squares, then its elements and the squares of their errors.
#define REDUCE                                                                                    \
  long whole = inner / lanes * lanes;                                                             \
  float squares[lanes] = {0}, errors[lanes] = {0}, largest[lanes] = {0};                          \
  for (long k = 0; k < whole; k += lanes)                                                         \
    for (int lane = 0; lane < lanes; lane++) {                                                    \
      float value = source[k + lane], size = fabsf(value);                                        \
      squares[lane] += value * value;                                                             \
      largest[lane] = size > largest[lane] ? size : largest[lane];                                \
    }                                                                                             \
  for (long k = whole; k < inner; k++) {                                                          \
    float value = source[k], size = fabsf(value);                                                 \
    squares[k - whole] += value * value;                                                          \
    largest[k - whole] = size > largest[k - whole] ? size : largest[k - whole];                   \
  }                                                                                               \
  float norm = norm_bound(sum_of(squares), inner), most = 0, step = 0, inverse = 0;               \
  for (int lane = 0; lane < lanes; lane++) most = largest[lane] > most ? largest[lane] : most;    \
  memset(target + inner, 0, sizeof *target * (size_t)(width - inner));                            \
  *scale = 0;                                                                                     \
  *own = norm;                                                                                    \
  *error = INFINITY;                                                                              \
  if (isinf(norm)) {                                                                              \
    memset(target, 0, sizeof *target * (size_t)inner);                                            \
    return;                                                                                       \
  }                                                                                               \
  if (integers) {                                                                                 \
    step = norm / integer_norm;                                                                   \
    step = step * integer_element < most ? most / integer_element : step;                         \
    inverse = norm > 0x1p-60f ? 1 / step : 0;                                                     \
    for (long k = 0; k < whole; k += lanes)                                                       \
      for (int lane = 0; lane < lanes; lane++) {                                                  \
        int nearest = (int)rintf(source[k + lane] * inverse);                                     \
        float difference = source[k + lane] - (float)nearest * step;                              \
        target[k + lane] = (uint16_t)(int16_t)nearest;                                            \
        errors[lane] += difference * difference;                                                  \
      }                                                                                           \
    for (long k = whole; k < inner; k++) {                                                        \
      int nearest = (int)rintf(source[k] * inverse);                                              \
      float difference = source[k] - (float)nearest * step;                                       \
      target[k] = (uint16_t)(int16_t)nearest;                                                     \
      errors[k - whole] += difference * difference;                                               \
    }                                                                                             \
    *scale = step;                                                                                \
    /* Both roundings of a difference, of a number below its element. */                          \
    *error = norm_bound(sum_of(errors), inner) + norm * 0x1p-22f;                                 \
  } else {                                                                                        \
    for (long k = 0; k < whole; k += lanes)                                                       \
      for (int lane = 0; lane < lanes; lane++) {                                                  \
        uint16_t nearest = to_bf16(source[k + lane]);                                             \
        float difference = source[k + lane] - from_bf16(nearest);                                 \
        target[k + lane] = nearest;                                                               \
        errors[lane] += difference * difference;                                                  \
      }                                                                                           \
    for (long k = whole; k < inner; k++) {                                                        \
      uint16_t nearest = to_bf16(source[k]);                                                      \
      float difference = source[k] - from_bf16(nearest);                                          \
      target[k] = nearest;                                                                        \
      errors[k - whole] += difference * difference;                                               \
    }                                                                                             \
    *scale = 1;                                                                                   \
    *error = norm_bound(sum_of(errors), inner);                                                   \
  }

#if defined(__x86_64__)
AVX2 static void reduce_avx2(int integers, const float *source, long inner, long width,
                             uint16_t *target, float *scale, float *own, float *error) {
  REDUCE
}

AVX512 static void reduce_avx512(int integers, const float *source, long inner, long width,
                                 uint16_t *target, float *scale, float *own, float *error) {
  REDUCE
}
#else
static void reduce_portable(int integers, const float *source, long inner, long width,
                            uint16_t *target, float *scale, float *own, float *error) {
  REDUCE
}
#endif

static void reduce(int kind, const float *source, long inner, uint16_t *target, float *scale,
                   float *own, float *error) {
  long width = saeline_screen_width(inner);
#if defined(__x86_64__)
  if (kind <= saeline_int16_avx512)
    reduce_avx512(is_integer(kind), source, inner, width, target, scale, own, error);
  else
    reduce_avx2(is_integer(kind), source, inner, width, target, scale, own, error);
#else
  reduce_portable(is_integer(kind), source, inner, width, target, scale, own, error);
#endif
}

// The errors of products in reduced precision and of dot products in float32, relative to the product
// of the norms.
static float screen_slack(int kind, long inner) {
  return is_integer(kind) ? 0x1p-20f : (float)(inner + 16) * 0x1p-23f;
}
static float dot_slack(long inner) { return (float)(inner / lanes + 8) * 0x1p-23f; }

void saeline_screen_rows(int kind, const float *source, long rows, long inner, uint16_t *target,
                         struct saeline_norms norms) {
  long width = saeline_screen_width(inner);
  float slack = screen_slack(kind, inner);
  for (long row = 0; row < rows; row++) {
    float own, error;
    reduce(kind, source + row * inner, inner, target + row * width, norms.scale + row, &own, &error);
    float reduced = own + error;
    norms.first[row] = (error + dot_slack(inner) * own + slack * reduced) * (1 + 0x1p-16f);
    norms.second[row] = reduced * (1 + slack) * (1 + 0x1p-16f);
  }
}

void saeline_screen_panel(int kind, const float *source, long latents, long inner, uint16_t *target,
                          struct saeline_norms norms) {
  long width = saeline_screen_width(inner);
  // Pairs of elements of a few latents at a time, so that the rows before transposing stay in cache.
  uint16_t row[width];
  uint32_t *pairs = (uint32_t *)target;
  for (long latent = 0; latent < latents_of_panel; latent++) {
    if (latent < latents) {
      float own, error;
      reduce(kind, source + latent * inner, inner, row, norms.scale + latent, &own, &error);
      norms.first[latent] = own * (1 + 0x1p-16f);
      norms.second[latent] = error * (1 + 0x1p-16f);
    } else {
      memset(row, 0, sizeof *row * (size_t)width);
    }
    for (long pair = 0; pair < width / 2; pair++)
      memcpy(pairs + pair * latents_of_panel + latent, row + 2 * pair, 4);
  }
}

// MARK: Products

#if defined(__x86_64__)

#define PAIR_OF(row, pair) (*(const int *)((row) + 2 * (pair)))

enum { rows_512 = 12, rows_256 = 6 };

// A block of 12 rows and a panel, over some pairs.
AVX512_VNNI static void integers_512(long first_pair, long last_pair, long width,
                                     const uint16_t *rows, const uint32_t *panel, void *tile,
                                     long stride) {
  __m512i sum[rows_512][2];
  int *target = tile;
  UNROLLED for (int m = 0; m < rows_512; m++) {
    sum[m][0] = first_pair ? _mm512_loadu_si512(target + m * stride) : _mm512_setzero_si512();
    sum[m][1] = first_pair ? _mm512_loadu_si512(target + m * stride + 16) : _mm512_setzero_si512();
  }
  for (long pair = first_pair; pair < last_pair; pair++) {
    __m512i first = _mm512_loadu_si512(panel + pair * latents_of_panel);
    __m512i second = _mm512_loadu_si512(panel + pair * latents_of_panel + 16);
    UNROLLED for (int m = 0; m < rows_512; m++) {
      __m512i one = _mm512_set1_epi32(PAIR_OF(rows + m * width, pair));
      sum[m][0] = _mm512_dpwssd_epi32(sum[m][0], one, first);
      sum[m][1] = _mm512_dpwssd_epi32(sum[m][1], one, second);
    }
  }
  UNROLLED for (int m = 0; m < rows_512; m++) {
    _mm512_storeu_si512(target + m * stride, sum[m][0]);
    _mm512_storeu_si512(target + m * stride + 16, sum[m][1]);
  }
}

// The same of 6 rows, half a panel after the other.
#define SCREEN_256(name, ATTRIBUTE, STEP)                                                          \
  ATTRIBUTE static void name(long first_pair, long last_pair, long width, const uint16_t *rows,    \
                             const uint32_t *panel, void *tile, long stride) {                     \
    for (int half = 0; half < 2; half++) {                                                         \
      __m256i sum[rows_256][2];                                                                    \
      int *target = (int *)tile + 16 * half;                                                       \
      UNROLLED for (int m = 0; m < rows_256; m++)                                                           \
        UNROLLED for (int n = 0; n < 2; n++)                                                                \
          sum[m][n] = first_pair                                                                   \
                          ? _mm256_loadu_si256((__m256i *)(target + m * stride + 8 * n))           \
                          : _mm256_setzero_si256();                                                \
      const uint32_t *place = panel + 16 * half;                                                   \
      for (long pair = first_pair; pair < last_pair; pair++) {                                     \
        __m256i first = _mm256_loadu_si256((__m256i *)(place + pair * latents_of_panel));          \
        __m256i second = _mm256_loadu_si256((__m256i *)(place + pair * latents_of_panel + 8));     \
        UNROLLED for (int m = 0; m < rows_256; m++) {                                                       \
          __m256i one = _mm256_set1_epi32(PAIR_OF(rows + m * width, pair));                        \
          sum[m][0] = STEP(sum[m][0], one, first);                                                 \
          sum[m][1] = STEP(sum[m][1], one, second);                                                \
        }                                                                                          \
      }                                                                                            \
      UNROLLED for (int m = 0; m < rows_256; m++)                                                           \
        UNROLLED for (int n = 0; n < 2; n++)                                                                \
          _mm256_storeu_si256((__m256i *)(target + m * stride + 8 * n), sum[m][n]);                \
    }                                                                                              \
  }
#define STEP_AVX2(sum, a, b) _mm256_add_epi32(sum, _mm256_madd_epi16(a, b))
SCREEN_256(integers_256, AVX2, STEP_AVX2)
SCREEN_256(integers_256_vnni, VNNI, _mm256_dpwssd_avx_epi32)

typedef void block_function(long, long, long, const uint16_t *, const uint32_t *, void *, long);

// Pairs per pass: a part of a panel and of some rows that the first cache holds.
enum { pairs_per_pass = 192 };

static void run_blocks(block_function *block, long block_rows, long rows, long panels, long width,
                       const uint16_t *rows_values, const uint32_t *panel_values, void *tile,
                       long stride) {
  long pairs = width / 2;
  for (long start = 0; start < pairs; start += pairs_per_pass) {
    long end = start + pairs_per_pass < pairs ? start + pairs_per_pass : pairs;
    for (long panel = 0; panel < panels; panel++)
      for (long row = 0; row < rows; row += block_rows)
        block(start, end, width, rows_values + row * width,
              panel_values + panel * pairs * latents_of_panel,
              (char *)tile + 4 * (row * stride + panel * latents_of_panel), stride);
  }
}

struct tile_configuration {
  uint8_t palette, start_row, reserved[14];
  uint16_t column_bytes[16];
  uint8_t rows[16];
};

AMX static void run_amx(long rows, long panels, long width, const uint16_t *rows_values,
                        const uint32_t *panel_values, float *tile, long stride) {
  struct tile_configuration configuration;
  memset(&configuration, 0, sizeof configuration);
  configuration.palette = 1;
  for (int i = 0; i < 8; i++) {
    configuration.column_bytes[i] = 64;
    configuration.rows[i] = 16;
  }
  _tile_loadconfig(&configuration);
  long pairs = width / 2;
  for (long number = 0; number < panels; number++) {
    const uint32_t *panel = panel_values + number * pairs * latents_of_panel;
    for (long row = 0; row < rows; row += 32) {
      const uint16_t *first = rows_values + row * width, *second = first + 16 * width;
      _tile_zero(0);
      _tile_zero(1);
      _tile_zero(2);
      _tile_zero(3);
      for (long pair = 0; pair < pairs; pair += 16) {
        _tile_loadd(4, first + 2 * pair, 2 * width);
        _tile_loadd(6, panel + pair * latents_of_panel, 4 * latents_of_panel);
        _tile_loadd(7, panel + pair * latents_of_panel + 16, 4 * latents_of_panel);
        _tile_loadd(5, second + 2 * pair, 2 * width);
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(1, 4, 7);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
      }
      float *target = tile + row * stride + number * latents_of_panel;
      _tile_stored(0, target, 4 * stride);
      _tile_stored(1, target + 16, 4 * stride);
      _tile_stored(2, target + 16 * stride, 4 * stride);
      _tile_stored(3, target + 16 * stride + 16, 4 * stride);
    }
  }
  _tile_release();
}

// Linux keeps the tiles from a process until it asks for them.
static int may_use_tiles(void) {
  enum { request_permission = 0x1023, tile_data = 18 };
  return syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
}

#endif

int saeline_screen_available(int kind) {
#if defined(__x86_64__)
  int level = saeline_best_level();
  switch (kind) {
    case saeline_bf16_amx:
      return level == saeline_avx512 && __builtin_cpu_supports("amx-tile") &&
             __builtin_cpu_supports("amx-bf16") && may_use_tiles();
    case saeline_int16_avx512: return level == saeline_avx512 && __builtin_cpu_supports("avx512vnni");
    case saeline_int16_vnni: return level >= saeline_avx2 && __builtin_cpu_supports("avxvnni");
    case saeline_int16_avx2: return level >= saeline_avx2;
  }
#endif
  return 0;
}

void saeline_screen_product(int kind, long rows, long panels, long width, const uint16_t *rows_values,
                            const uint16_t *panel_values, void *tile, long stride) {
#if defined(__x86_64__)
  const uint32_t *panel = (const uint32_t *)panel_values;
  switch (kind) {
    case saeline_bf16_amx:
      run_amx(rows, panels, width, rows_values, panel, tile, stride);
      break;
    case saeline_int16_avx512:
      run_blocks(integers_512, rows_512, rows, panels, width, rows_values, panel, tile, stride);
      break;
    case saeline_int16_vnni:
      run_blocks(integers_256_vnni, rows_256, rows, panels, width, rows_values, panel, tile, stride);
      break;
    case saeline_int16_avx2:
      run_blocks(integers_256, rows_256, rows, panels, width, rows_values, panel, tile, stride);
      break;
  }
#endif
}

// MARK: Bounds

#if defined(__x86_64__)

// The bounds of 16 or 8 pre-activations, in the operations of the pre-activation itself after the
// dot product: roundings keep order.
AVX512 static long scan_avx512(const struct saeline_scan *scan, long *position, int32_t *latents,
                               float *upper, float *lower, long count, long capacity) {
  const __m512 scale = _mm512_set1_ps(scan->scale), first = _mm512_set1_ps(scan->first);
  const __m512 second = _mm512_set1_ps(scan->second), floor = _mm512_set1_ps(scan->floor);
  const __m512 most = _mm512_set1_ps(scan->limit);
  const __m512i places = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  int integers = is_integer(scan->kind);
  long n = *position;
  for (; n < scan->count && count + 32 <= capacity; n += 16) {
    long left = scan->count - n;
    __mmask16 mask = left < 16 ? (__mmask16)((1u << left) - 1) : 0xFFFF;
    __m512 number;
    if (integers) {
      number = _mm512_cvtepi32_ps(_mm512_maskz_loadu_epi32(mask, (const int *)scan->numbers + n));
      number = _mm512_mul_ps(
          number, _mm512_mul_ps(scale, _mm512_maskz_loadu_ps(mask, scan->latent_scale + n)));
    } else {
      number = _mm512_maskz_loadu_ps(mask, (const float *)scan->numbers + n);
    }
    __m512 bound = _mm512_fmadd_ps(
        first, _mm512_maskz_loadu_ps(mask, scan->latent_first + n),
        _mm512_fmadd_ps(second, _mm512_maskz_loadu_ps(mask, scan->latent_second + n), floor));
    __m512 bias = _mm512_maskz_loadu_ps(mask, scan->bias + n);
    __m512 high = _mm512_add_ps(_mm512_add_ps(number, bound), bias);
    __m512 low = _mm512_add_ps(_mm512_sub_ps(number, bound), bias);
    if (scan->decoder_norm) {
      __m512 norm = _mm512_maskz_loadu_ps(mask, scan->decoder_norm + n);
      high = _mm512_mul_ps(high, norm);
      low = _mm512_mul_ps(low, norm);
    }
    if (scan->magnitudes) {
      __m512 zero = _mm512_setzero_ps(), negative = _mm512_sub_ps(zero, low);
      // NaN has to stay: the maximum of NaN and a number is the second operand.
      __mmask16 none = _mm512_cmp_ps_mask(high, low, _CMP_UNORD_Q);
      low = _mm512_max_ps(_mm512_max_ps(low, _mm512_sub_ps(zero, high)), zero);
      high = _mm512_mask_mov_ps(_mm512_max_ps(high, negative), none, _mm512_set1_ps(INFINITY));
    }
    low = _mm512_mask_mov_ps(low, _mm512_cmp_ps_mask(low, low, _CMP_UNORD_Q),
                             _mm512_set1_ps(-INFINITY));
    __m512 limit = scan->limits ? _mm512_maskz_loadu_ps(mask, scan->limits + n) : most;
    __mmask16 kept = _mm512_mask_cmp_ps_mask(mask, high, limit, _CMP_NLE_UQ);
    if (kept == 0) continue;
    _mm512_storeu_si512(latents + count, _mm512_maskz_compress_epi32(
        kept, _mm512_add_epi32(places, _mm512_set1_epi32((int)n))));
    _mm512_storeu_ps(upper + count, _mm512_maskz_compress_ps(kept, high));
    _mm512_storeu_ps(lower + count, _mm512_maskz_compress_ps(kept, low));
    count += __builtin_popcount(kept);
  }
  *position = n < scan->count ? n : scan->count;
  return count;
}

AVX2 static long scan_avx2(const struct saeline_scan *scan, long *position, int32_t *latents,
                           float *upper, float *lower, long count, long capacity) {
  const __m256 scale = _mm256_set1_ps(scan->scale), first = _mm256_set1_ps(scan->first);
  const __m256 second = _mm256_set1_ps(scan->second), floor = _mm256_set1_ps(scan->floor);
  const __m256 most = _mm256_set1_ps(scan->limit), zero = _mm256_setzero_ps();
  const __m256i places = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  int integers = is_integer(scan->kind);
  long n = *position;
  for (; n < scan->count && count + 32 <= capacity; n += 8) {
    long left = scan->count - n;
    __m256i mask = _mm256_cmpgt_epi32(_mm256_set1_epi32(left < 8 ? (int)left : 8), places);
    __m256 number;
    if (integers) {
      number = _mm256_cvtepi32_ps(_mm256_maskload_epi32((const int *)scan->numbers + n, mask));
      number = _mm256_mul_ps(
          number, _mm256_mul_ps(scale, _mm256_maskload_ps(scan->latent_scale + n, mask)));
    } else {
      number = _mm256_maskload_ps((const float *)scan->numbers + n, mask);
    }
    __m256 bound = _mm256_fmadd_ps(
        first, _mm256_maskload_ps(scan->latent_first + n, mask),
        _mm256_fmadd_ps(second, _mm256_maskload_ps(scan->latent_second + n, mask), floor));
    __m256 bias = _mm256_maskload_ps(scan->bias + n, mask);
    __m256 high = _mm256_add_ps(_mm256_add_ps(number, bound), bias);
    __m256 low = _mm256_add_ps(_mm256_sub_ps(number, bound), bias);
    if (scan->decoder_norm) {
      __m256 norm = _mm256_maskload_ps(scan->decoder_norm + n, mask);
      high = _mm256_mul_ps(high, norm);
      low = _mm256_mul_ps(low, norm);
    }
    if (scan->magnitudes) {
      __m256 negative = _mm256_sub_ps(zero, low);
      __m256 none = _mm256_cmp_ps(high, low, _CMP_UNORD_Q);
      low = _mm256_max_ps(_mm256_max_ps(low, _mm256_sub_ps(zero, high)), zero);
      high = _mm256_blendv_ps(_mm256_max_ps(high, negative), _mm256_set1_ps(INFINITY), none);
    }
    low = _mm256_blendv_ps(low, _mm256_set1_ps(-INFINITY), _mm256_cmp_ps(low, low, _CMP_UNORD_Q));
    __m256 limit = scan->limits ? _mm256_maskload_ps(scan->limits + n, mask) : most;
    int kept = _mm256_movemask_ps(
        _mm256_and_ps(_mm256_cmp_ps(high, limit, _CMP_NLE_UQ), _mm256_castsi256_ps(mask)));
    if (kept == 0) continue;
    float highs[8], lows[8];
    _mm256_storeu_ps(highs, high);
    _mm256_storeu_ps(lows, low);
    for (; kept; kept &= kept - 1) {
      int lane = __builtin_ctz((unsigned)kept);
      latents[count] = (int32_t)(n + lane);
      upper[count] = highs[lane];
      lower[count++] = lows[lane];
    }
  }
  *position = n < scan->count ? n : scan->count;
  return count;
}

#endif

long saeline_scan_row(int level, const struct saeline_scan *scan, long *position, int32_t *latents,
                      float *upper, float *lower, long count, long capacity) {
#if defined(__x86_64__)
  if (level == saeline_avx512)
    return scan_avx512(scan, position, latents, upper, lower, count, capacity);
  return scan_avx2(scan, position, latents, upper, lower, count, capacity);
#else
  return count;
#endif
}
