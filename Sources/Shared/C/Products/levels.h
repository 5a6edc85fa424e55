// What the sources of this folder share: the instructions of a function, the chains of a
// sum, and the rounding to bfloat16.
#pragma once

#include "CProducts.h"

#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#define AVX2 __attribute__((target("avx2,fma")))
#define AVX512 __attribute__((target("avx512f,avx512dq,avx512bw,avx512vl,avx2,fma")))
#endif
// What a register block is only where its loops are gone.
#define UNROLLED _Pragma("clang loop unroll(full)")
// Of the order of summation that the public header states.
enum { lanes = 16 };

// To the nearest, ties to even. What is too small for a normal number becomes 0, as the processors
// take it that multiply bfloat16 themselves; NaN stays.
static inline uint16_t to_bf16(float value) {
  uint32_t bits;
  memcpy(&bits, &value, 4);
  uint32_t rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16;
  uint32_t quiet = (bits >> 16) | 0x40;
  uint32_t kept = (bits & 0x7FFFFFFF) > 0x7F800000 ? quiet : rounded;
  return (uint16_t)((bits & 0x7F800000) == 0 ? 0 : kept);
}
