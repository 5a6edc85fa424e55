// The products of CProducts on spans: dot products of float32 whose order of summation is the same on
// every processor, and products in reduced precision with bounds of their error. The only import of
// CProducts. docs/exactness.md states the order and proves the bounds.

internal import CProducts

/// Dot products in float32, by 16 chains of fused multiply-adds whatever the processor.
package enum DotProduct {
  /// Instructions that dot products can be computed with; results are the same.
  package enum Level: Int32, CaseIterable, Sendable {
    case portable = 0
    case avx2 = 1
    case avx512 = 2

    /// The best of this processor.
    package static let best = Level(rawValue: saeline_best_level()) ?? .portable
  }

  /// Fills `results` with the dot product of `vector` and each of some rows of `matrix` `[_, d]`.
  package static func dots(
    _ vector: Span<Float>, _ matrix: Span<Float>, rows: Span<Int32>,
    into results: inout MutableSpan<Float>, level: Level = .best
  ) {
    let (width, count) = (vector.count, matrix.count / max(1, vector.count))
    precondition(results.count == rows.count, "shapes differ")
    for index in rows.indices {
      precondition(rows[index] >= 0 && Int(rows[index]) < count, "row outside")
    }
    unsafe SpanPointers.lend(vector, matrix, &results) { vector, matrix, results in
      unsafe rows.withUnsafeBufferPointer { rows in
        unsafe saeline_dots(
          level.rawValue, vector, matrix, width, rows.baseAddress, rows.count, width, results)
      }
    }
  }

  /// C ← A·Bᵀ with A `[rows, inner]`, B `[columns, inner]`, C `[rows, columns]` with rows `stride` apart;
  /// every element is that of `dots`.
  package static func product(
    rows: Int, columns: Int, inner: Int, _ a: Span<Float>, _ b: Span<Float>,
    into c: inout MutableSpan<Float>, stride: Int, level: Level = .best
  ) {
    guard rows > 0, columns > 0 else { return }
    precondition(a.count >= rows * inner && b.count >= columns * inner, "factors too small")
    precondition(
      stride >= columns && c.count >= (rows - 1) * stride + columns, "result too small")
    unsafe SpanPointers.lend(a, b, &c) { a, b, c in
      unsafe saeline_dot_product(
        level.rawValue, rows, columns, inner, a, inner, b, inner, c, stride)
    }
  }
}

/// Where spans lie, for C.
@unsafe enum SpanPointers {
  /// Lends where two spans lie that are read, and one that is written.
  static func lend(
    _ first: Span<Float>, _ second: Span<Float>, _ target: inout MutableSpan<Float>,
    _ body: (UnsafePointer<Float>?, UnsafePointer<Float>?, UnsafeMutablePointer<Float>?) -> Void
  ) {
    unsafe first.withUnsafeBufferPointer { first in
      unsafe second.withUnsafeBufferPointer { second in
        unsafe target.withUnsafeMutableBufferPointer { target in
          unsafe body(first.baseAddress, second.baseAddress, target.baseAddress)
        }
      }
    }
  }
}

/// Ways of screening, by precision and instructions.
package enum ScreeningKind: Int32, CaseIterable, Sendable {
  case bf16AMX = 1
  case int16AVX512 = 2
  case int16VNNI = 3
  case int16AVX2 = 4

  /// The word for it in `SAELINE_SCREENING` and in bills.
  package var name: String {
    switch self {
    case .bf16AMX: "bf16-amx"
    case .int16AVX512: "int16-avx512"
    case .int16VNNI: "int16-vnni"
    case .int16AVX2: "int16-avx2"
    }
  }

  /// Whether this processor, and the system for this process, can run it.
  package var isAvailable: Bool { saeline_screen_available(rawValue) != 0 }
}

/// The kernels of screening.
enum ScreeningKernels {
  static let panelLatents = Int(saeline_screen_latents)
  static let rowPadding = Int(saeline_screen_row_padding)

  /// Elements of a vector of `inner` elements in reduced precision.
  static func width(_ inner: Int) -> Int { saeline_screen_width(inner) }

  /// Reduces some of the rows `[_, inner]`, each into its place.
  static func reduceRows(
    _ kind: ScreeningKind, _ source: Span<Float>, _ rows: Range<Int>, inner: Int,
    _ target: borrowing ReducedWriter
  ) {
    let width = width(inner)
    var values = target.values.slice(rows.lowerBound * width..<rows.upperBound * width)
    unsafe source.extracting(rows.lowerBound * inner..<rows.upperBound * inner)
      .withUnsafeBufferPointer { source in
        unsafe values.withUnsafeMutableBufferPointer { values in
          unsafe target.withNorms(rows) { norms in
            unsafe saeline_screen_rows(
              kind.rawValue, source.baseAddress, rows.count, inner, values.baseAddress, norms)
          }
        }
      }
  }

  /// Reduces the latents `[_, inner]` of a panel.
  static func reducePanel(
    _ kind: ScreeningKind, _ source: Span<Float>, _ panel: Int, inner: Int,
    _ target: borrowing ReducedWriter
  ) {
    let place = panel * panelLatents..<(panel + 1) * panelLatents
    let end = min(place.upperBound, source.count / inner)
    let width = width(inner)
    var values = target.values.slice(place.lowerBound * width..<place.upperBound * width)
    unsafe source.extracting(place.lowerBound * inner..<end * inner).withUnsafeBufferPointer {
      source in
      unsafe values.withUnsafeMutableBufferPointer { values in
        unsafe target.withNorms(place) { norms in
          unsafe saeline_screen_panel(
            kind.rawValue, source.baseAddress, end - place.lowerBound, inner, values.baseAddress,
            norms)
        }
      }
    }
  }

  /// Fills a tile with the products of rows and panels of latents in reduced precision; `tile` has
  /// `rowPadding` rows more.
  static func product(
    _ kind: ScreeningKind, rows: Int, inner: Int, _ values: Span<UInt16>, panels: Int,
    _ panelValues: Span<UInt16>, into tile: inout MutableSpan<Float>, stride: Int
  ) {
    let width = width(inner)
    precondition(values.count >= (rows + rowPadding) * width, "rows without padding")
    precondition(panelValues.count >= panels * panelLatents * width, "panels are missing")
    precondition(
      stride >= panels * panelLatents && tile.count >= (rows + rowPadding) * stride,
      "tile without padding")
    unsafe values.withUnsafeBufferPointer { values in
      unsafe panelValues.withUnsafeBufferPointer { panelValues in
        unsafe tile.withUnsafeMutableBufferPointer { tile in
          unsafe saeline_screen_product(
            kind.rawValue, rows, panels, width, values.baseAddress, panelValues.baseAddress,
            tile.baseAddress, stride)
        }
      }
    }
  }

  /// Appends to `found` the latents of a row of a tile whose bound is above the limit, from `position`
  /// on, while there is room for 32 more.
  static func scan(
    _ row: borrowing ScreenedRow, position: inout Int, _ found: inout ScreenedLatents,
    level: DotProduct.Level
  ) {
    let count = row.numbers.count
    precondition(
      row.latents.scale.count == count && row.latents.first.count == count
        && row.latents.second.count == count && row.bias.count == count
        && (row.decoderNorms.isEmpty || row.decoderNorms.count == count)
        && (row.limits.isEmpty || row.limits.count == count), "shapes differ")
    let capacity = found.latents.count
    precondition(
      found.upper.count == capacity && found.lower.count == capacity, "shapes differ")
    unsafe row.withDescription { description in
      unsafe scan(description, position: &position, &found, level: level)
    }
  }

  private static func scan(
    _ description: UnsafePointer<saeline_scan>, position: inout Int,
    _ found: inout ScreenedLatents, level: DotProduct.Level
  ) {
    let (count, capacity) = (found.count, found.latents.count)
    unsafe found.latents.withUnsafeMutableBufferPointer { latents in
      unsafe found.upper.withUnsafeMutableBufferPointer { upper in
        unsafe found.lower.withUnsafeMutableBufferPointer { lower in
          found.count = unsafe saeline_scan_row(
            level.rawValue, description, &position, latents.baseAddress, upper.baseAddress,
            lower.baseAddress, count, capacity)
        }
      }
    }
  }
}

/// What is known of vectors in reduced precision, for writers of disjoint ones.
struct ReducedWriter: ~Escapable, Sendable {
  let values: Disjoint<UInt16>
  let scale: Disjoint<Float>
  let first: Disjoint<Float>
  let second: Disjoint<Float>

  @_lifetime(&vectors)
  init(_ vectors: inout ReducedVectors) {
    values = vectors.values.writer
    scale = vectors.scale.writer
    first = vectors.first.writer
    second = vectors.second.writer
  }

  /// Lends the norms of some of the vectors.
  @unsafe fileprivate func withNorms(_ range: Range<Int>, _ body: (saeline_norms) -> Void) {
    var scale = scale.slice(range)
    var first = first.slice(range)
    var second = second.slice(range)
    unsafe scale.withUnsafeMutableBufferPointer { scale in
      unsafe first.withUnsafeMutableBufferPointer { first in
        unsafe second.withUnsafeMutableBufferPointer { second in
          unsafe body(
            saeline_norms(
              scale: scale.baseAddress, first: first.baseAddress, second: second.baseAddress))
        }
      }
    }
  }
}

extension ScreenedRow {
  /// Lends the row as C takes it.
  @unsafe fileprivate borrowing func withDescription(
    _ body: (UnsafePointer<saeline_scan>) -> Void
  ) {
    unsafe numbers.withUnsafeBufferPointer { numbers in
      unsafe latents.scale.withUnsafeBufferPointer { scale in
        unsafe describe(numbers.baseAddress, scale.baseAddress, body)
      }
    }
  }

  @unsafe private borrowing func describe(
    _ values: UnsafePointer<Float>?, _ scale: UnsafePointer<Float>?,
    _ body: (UnsafePointer<saeline_scan>) -> Void
  ) {
    unsafe latents.first.withUnsafeBufferPointer { first in
      unsafe latents.second.withUnsafeBufferPointer { second in
        unsafe describe(values, scale, first.baseAddress, second.baseAddress, body)
      }
    }
  }

  @unsafe private borrowing func describe(
    _ values: UnsafePointer<Float>?, _ scale: UnsafePointer<Float>?,
    _ first: UnsafePointer<Float>?, _ second: UnsafePointer<Float>?,
    _ body: (UnsafePointer<saeline_scan>) -> Void
  ) {
    unsafe bias.withUnsafeBufferPointer { bias in
      unsafe decoderNorms.withUnsafeBufferPointer { norms in
        unsafe limits.withUnsafeBufferPointer { limits in
          var description = unsafe saeline_scan(
            numbers: values, count: numbers.count, kind: kind.rawValue, scale: self.scale,
            first: self.first, second: self.second, floor: floor, latent_scale: scale,
            latent_first: first, latent_second: second, bias: bias.baseAddress,
            decoder_norm: norms.isEmpty ? nil : norms.baseAddress,
            limits: limits.isEmpty ? nil : limits.baseAddress, limit: limit,
            magnitudes: comparesMagnitudes ? 1 : 0)
          unsafe body(&description)
        }
      }
    }
  }
}
