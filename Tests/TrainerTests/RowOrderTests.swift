import Shared
import Testing

import Trainer

@Suite("The order of the rows")
struct RowOrderTests {
  static let sizes: [[Int]] = [
    [1], [7], [5, 5, 5], [100, 1, 0, 37], [0, 3], Array(repeating: 50, count: 8),
    (0..<21).map { 20 + $0 * 3 },
  ]

  private func walk(_ order: RowOrder, from position: Int = 0, count: Int) -> [StreamRow] {
    var cursor = RowCursor(order: order, position: position)
    return (0..<count).map { _ in cursor.next() }
  }

  @Test("Every epoch visits every row exactly once", arguments: sizes)
  func everyRowOnce(sizes: [Int]) {
    let order = RowOrder(seed: 3, sizes: sizes)
    let places = walk(order, count: 3 * order.rowsPerEpoch)
    for epoch in 0..<3 {
      var seen = sizes.map { [Bool](repeating: false, count: $0) }
      for place in places[epoch * order.rowsPerEpoch..<(epoch + 1) * order.rowsPerEpoch] {
        #expect(!seen[place.shard][place.index])
        seen[place.shard][place.index] = true
      }
      #expect(seen.allSatisfy { $0.allSatisfy { $0 } })
    }
  }

  @Test("Starting at a position gives what walking there gives", arguments: sizes)
  func skipping(sizes: [Int]) {
    let order = RowOrder(seed: 4, sizes: sizes)
    let places = walk(order, count: 3 * order.rowsPerEpoch + 5)
    for position in stride(from: 0, to: 3 * order.rowsPerEpoch, by: max(1, places.count / 40)) {
      #expect(walk(order, from: position, count: 5) == Array(places[position..<position + 5]))
    }
  }

  @Test("The shards that come next are those that walking on opens", arguments: sizes)
  func upcoming(sizes: [Int]) {
    let order = RowOrder(seed: 6, sizes: sizes)
    let count = 3 * order.rowsPerEpoch
    for position in stride(from: 0, to: count, by: max(1, count / 30)) {
      var cursor = RowCursor(order: order, position: position)
      #expect(cursor.position == position)
      _ = cursor.next()
      let (limit, end) = (5 + position % 20, position + 1 + position * 7 % count)
      let told = cursor.upcoming(limit, before: end)
      var walked: [Int] = []
      var before = (cursor.openShards, cursor.epoch)
      while cursor.position < end, walked.count < limit {
        _ = cursor.next()
        if cursor.openShards == before.0, cursor.epoch == before.1 { continue }
        walked += cursor.openShards
        before = (cursor.openShards, cursor.epoch)
      }
      #expect(told == Array(walked.prefix(limit)))
    }
  }

  @Test("Seed and epoch choose the order, and nothing else does")
  func dependence() {
    let sizes = [40, 40, 40]
    let first = walk(RowOrder(seed: 1, sizes: sizes), count: 240)
    #expect(first == walk(RowOrder(seed: 1, sizes: sizes), count: 240))
    #expect(first != walk(RowOrder(seed: 2, sizes: sizes), count: 240))
    #expect(Array(first[..<120]) != Array(first[120...]))
  }

  @Test("At most eight shards are open, and they end together")
  func groups() {
    let order = RowOrder(seed: 5, sizes: Array(repeating: 30, count: 19))
    var cursor = RowCursor(order: order)
    var opened: [[Int]] = []
    for _ in 0..<order.rowsPerEpoch {
      _ = cursor.next()
      if opened.last != cursor.openShards { opened.append(cursor.openShards) }
    }
    #expect(opened.map(\.count).sorted() == [6, 6, 7])
    #expect(opened == order.groups(epoch: 0))
  }

  @Test("Neighbors are no more alike than in a uniform permutation", arguments: [1, 2, 8, 20])
  func neighbors(shards: Int) {
    let sequences = 400
    let rowsPerSequence = 50
    let cache = SyntheticOrder(
      shards: shards, sequences: sequences, rowsPerSequence: rowsPerSequence, seed: 11)
    let order = RowOrder(seed: 12, sizes: cache.sequenceOfRow.map(\.count))
    let stream = walk(order, count: order.rowsPerEpoch).map {
      cache.sequenceOfRow[$0.shard][$0.index]
    }
    let alike = zip(stream, stream.dropFirst()).count { $0 == $1 }
    let rows = sequences * rowsPerSequence
    let expected = Double(rowsPerSequence - 1) / Double(rows - 1) * Double(rows - 1)
    #expect(Double(alike) < expected + 4 * expected.squareRoot())
  }

  @Test("A window over eight shards is no more alike than in a uniform permutation")
  func windows() {
    let window = 64
    let cache = SyntheticOrder(shards: 8, sequences: 400, rowsPerSequence: 48, seed: 21)
    let order = RowOrder(seed: 22, sizes: cache.sequenceOfRow.map(\.count))
    let stream = walk(order, count: order.rowsPerEpoch).map {
      cache.sequenceOfRow[$0.shard][$0.index]
    }
    var alike = 0
    var pairs = 0
    for start in stride(from: 0, to: stream.count - window, by: window) {
      let rows = Array(stream[start..<start + window])
      for left in 0..<window {
        for right in left + 1..<window {
          pairs += 1
          if rows[left] == rows[right] { alike += 1 }
        }
      }
    }
    let expected = Double(pairs) * 47 / Double(stream.count - 1)
    #expect(Double(alike) < expected + 4 * expected.squareRoot())
  }

  @Test("The held-out share of the sequences is the fraction, and none at zero")
  func heldOut() {
    let half = HeldOut(fraction: 0.1)
    let count = (0..<UInt32(20_000)).count { half.contains(sequence: $0) }
    #expect(abs(Double(count) - 2000) < 4 * 2000.0.squareRoot())
    #expect(!(0..<UInt32(1000)).contains { HeldOut(fraction: 0).contains(sequence: $0) })
  }
}

/// What the cacher leaves: sequences dealt to shards by a permutation, rows permuted in each.
private struct SyntheticOrder {
  var sequenceOfRow: [[UInt32]]

  init(shards: Int, sequences: Int, rowsPerSequence: Int, seed: Int) {
    let deal = Random(seed: seed, stream: "deal").permutation(sequences)
    sequenceOfRow = (0..<shards).map { shard in
      let mine = deal[sequences * shard / shards..<sequences * (shard + 1) / shards]
      let rows = mine.flatMap { [UInt32](repeating: $0, count: rowsPerSequence) }
      return Random(seed: seed, stream: "rows", index: shard).permutation(rows.count)
        .map { rows[Int($0)] }
    }
  }
}
