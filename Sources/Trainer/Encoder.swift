// From rows to active latents: the encoder's product in tiles that are reduced to active latents
// before the next tile is computed, so that `[B, D]` numbers never reach memory.

import Shared
import Synchronization

/// Encodes batches into sparse codes.
struct Encoder: ~Copyable {
  /// Rows per task, and latents per tile: one tile of products is a megabyte.
  ///
  /// With many rows the packing of weights inside the product costs little.
  static let rowBlock = 512
  private static let tileWidth = 512

  private let configuration: SAEConfiguration
  private let topK: TopK
  private var tiles: Matrix
  private var counts: AlignedBuffer<Int32>
  private(set) var codes: SparseCodes

  init(_ configuration: SAEConfiguration, rows: Int) {
    self.configuration = configuration
    topK = TopK(k: min(configuration.k, configuration.dSae))
    tiles = Matrix(rows: rows, columns: min(Self.tileWidth, configuration.dSae))
    counts = AlignedBuffer(count: rows)
    codes = SparseCodes(rows: rows, capacity: rows * Self.entriesPerRow(configuration, topK))
  }

  /// Entries that a row may need while it is encoded.
  ///
  /// A ReLU row with more than a quarter of its latents active is left to dense products.
  private static func entriesPerRow(_ configuration: SAEConfiguration, _ topK: TopK) -> Int {
    switch configuration.architecture {
    case .topk: topK.capacity
    default: max(min(configuration.dSae, 64), configuration.dSae / 4)
    }
  }

  /// Encodes rows `[rows, d]` from which the decoder bias is subtracted already.
  ///
  /// Returns false where a row has too many active latents; `codes` then holds nothing of use.
  mutating func encode(
    _ centred: borrowing Matrix, rows: Int, _ parameters: borrowing Parameters,
    _ norms: borrowing DecoderNorms
  ) -> Bool {
    encode(
      centred, rows: rows, parameters, norms,
      stride: Self.entriesPerRow(configuration, topK))
  }

  /// Encodes whatever the density, with room for every latent of every row.
  mutating func encodeAll(
    _ centred: borrowing Matrix, rows: Int, _ parameters: borrowing Parameters,
    _ norms: borrowing DecoderNorms
  ) {
    if encode(centred, rows: rows, parameters, norms) { return }
    codes.reserve(rows * configuration.dSae)
    _ = encode(centred, rows: rows, parameters, norms, stride: configuration.dSae)
  }

  private mutating func encode(
    _ centred: borrowing Matrix, rows: Int, _ parameters: borrowing Parameters,
    _ norms: borrowing DecoderNorms,
    stride: Int
  ) -> Bool {
    guard select(centred, rows: rows, parameters, norms, stride: stride) else { return false }
    codes.compact(rows: rows, stride: stride, counts: counts)
    return true
  }

  /// Fills the codes, each row's from `row · stride` on; false where a row did not fit.
  private func select(
    _ centred: borrowing Matrix, rows: Int, _ parameters: borrowing Parameters,
    _ norms: borrowing DecoderNorms, stride: Int
  ) -> Bool {
    let overflow = Flag()
    let pass = Pass(configuration: configuration, topK: topK, stride: stride)
    let encoder = parameters.encoder.span
    let biases = parameters.encoderBias.span
    let centred = centred.span
    let norms = norms.values.span
    let width = tiles.columns
    let tileMemory = tiles.disjoint
    let countMemory = counts.disjoint
    let latents = codes.latents.disjoint
    let values = codes.values.disjoint
    Parallel.forBlocks(rows, blockSize: Self.rowBlock) { block in
      pass.run(
        block, centred, encoder, biases, norms, tileWidth: width, tileMemory, countMemory,
        latents, values, overflow)
    }
    return !overflow.isSet
  }

  /// Set by any thread, never unset.
  private final class Flag: Sendable {
    private let value = Atomic<Bool>(false)
    var isSet: Bool { value.load(ordering: .relaxed) }
    func set() { value.store(true, ordering: .relaxed) }
  }

  /// What one task does for its rows.
  private struct Pass: Sendable {
    let configuration: SAEConfiguration
    let topK: TopK
    let stride: Int

    func run(
      _ block: Range<Int>, _ centred: Span<Float>, _ encoder: Span<Float>, _ biases: Span<Float>,
      _ norms: Span<Float>, tileWidth: Int, _ tiles: borrowing Disjoint<Float>,
      _ counts: borrowing Disjoint<Int32>, _ latents: borrowing Disjoint<Int32>,
      _ values: borrowing Disjoint<Float>, _ overflow: Flag
    ) {
      let dIn = configuration.dIn
      let inputs = centred.extracting(block.lowerBound * dIn..<block.upperBound * dIn)
      var states = [TopK.Row](repeating: TopK.Row(), count: block.count)
      for first in Swift.stride(from: 0, to: configuration.dSae, by: tileWidth) {
        let latentRange = first..<min(first + tileWidth, configuration.dSae)
        if overflow.isSet { return }
        tiles.withSlice(block.lowerBound * tileWidth..<block.upperBound * tileWidth) { tile in
          Multiply.product(
            rows: block.count, columns: latentRange.count, inner: dIn, inputs, .plain,
            encoder.extracting(latentRange.lowerBound * dIn..<latentRange.upperBound * dIn),
            .transposed, into: &tile, cStride: tileWidth, threads: .none)
        }
        let bias = biases.extracting(latentRange)
        let norm = norms.extracting(latentRange)
        for row in block {
          let place = row * stride
          let numbers = row * tileWidth..<row * tileWidth + latentRange.count
          tiles.withSlice(numbers) { numbers in
            latents.withSlice(place..<place + stride) { latents in
              values.withSlice(place..<place + stride) { values in
                activate(&numbers, bias, norm)
                let fits = select(
                  numbers.span, latentRange.lowerBound, &states[row - block.lowerBound], &latents,
                  &values)
                if !fits { overflow.set() }
              }
            }
          }
        }
      }
      for row in 0..<block.count {
        let place = (block.lowerBound + row) * stride
        if configuration.architecture == .topk {
          latents.withSlice(place..<place + stride) { latents in
            values.withSlice(place..<place + stride) { values in
              topK.finish(&states[row], &latents, &values)
            }
          }
        }
        let count = Int32(states[row].count)
        counts.set(block.lowerBound + row, count)
      }
    }

    /// Adds biases and, where latents are compared by them, multiplies by the decoder's norms.
    private func activate(
      _ numbers: inout MutableSpan<Float>, _ bias: Span<Float>, _ norm: Span<Float>
    ) {
      precondition(bias.count == numbers.count && norm.count == numbers.count, "shapes differ")
      if configuration.normalizesDecoder {
        for index in 0..<numbers.count {
          numbers[index] = (numbers[index] + bias[index]) * norm[index]
        }
      } else {
        for index in 0..<numbers.count { numbers[index] += bias[index] }
      }
    }

    private func select(
      _ numbers: Span<Float>, _ first: Int, _ state: inout TopK.Row,
      _ latents: inout MutableSpan<Int32>, _ values: inout MutableSpan<Float>
    ) -> Bool {
      switch configuration.architecture {
      case .topk:
        topK.scan(numbers, firstLatent: first, &state, &latents, &values)
        return true
      default:
        return ReLU.scan(
          numbers, firstLatent: first, count: &state.count, &latents, &values)
      }
    }
  }
}
