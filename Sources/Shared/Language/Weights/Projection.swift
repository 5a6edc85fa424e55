// A projection's weights as parts of a model's files, and the tiles in which a product takes them.
// Comes in: the runs of outputs that lie together. Leaves: the tiles.

/// A projection: where the columns of its output come from, and its bias.
struct Projection: Sendable, Equatable {
  /// Neighboring outputs that are neighbors in a file too.
  struct Stretch: Sendable, Hashable {
    let outputs: Range<Int>
    /// The number of the matrix.
    let matrix: Int
    /// The output of the matrix that comes first.
    let source: Int
  }

  let inputs: Int
  let outputs: Int
  let order: WeightOrder
  let stretches: [Stretch]
  /// Empty where there is none.
  let bias: Range<Int>
  /// The outputs of which a product takes the weights at once.
  let tiles: [Range<Int>]

  init(inputs: Int, outputs: Int, order: WeightOrder, stretches: [Stretch], bias: Range<Int>) {
    self.inputs = inputs
    self.outputs = outputs
    self.order = order
    self.stretches = stretches
    self.bias = bias
    tiles = Projection.cut(stretches.map(\.outputs.count), inputs: inputs)
  }

  /// Elements of the largest tile.
  var tileCount: Int { inputs * (tiles.map(\.count).max() ?? 0) }

  /// Tiles of about 1,024 outputs, fewer where a tile would pass 32 MiB.
  ///
  /// Longer runs are cut by themselves, so that their weights can be used where they lie; shorter
  /// ones are joined.
  private static func cut(_ stretches: [Int], inputs: Int) -> [Range<Int>] {
    let limit = min(1024, max(128, (8 << 20) / inputs / 64 * 64))
    var tiles: [Range<Int>] = []
    var first = 0
    var end = 0
    func close(_ length: Int) {
      let parts = (length + limit - 1) / limit
      let size = parts == 0 ? 0 : ((length + parts - 1) / parts + 15) / 16 * 16
      for start in stride(from: first, to: first + length, by: max(1, size)) {
        tiles.append(start..<min(start + size, first + length))
      }
      first += length
    }
    for stretch in stretches {
      if stretch >= limit / 4 {
        close(end - first)
        end += stretch
        close(stretch)
      } else {
        end += stretch
      }
    }
    close(end - first)
    return tiles
  }
}
