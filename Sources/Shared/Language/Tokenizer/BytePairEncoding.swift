// Byte-pair encoding: joins the neighbours that the earliest learned merge rule joins, until no rule
// applies. Comes in: the bytes of a piece. Leaves: token ids. Sennrich et al. 2016, Radford et al. 2019.

/// The merge rules of a byte-level vocabulary.
struct BytePairEncoding: Sendable {
  /// The id of each byte; `noToken` where the vocabulary lacks it.
  let byteIds: [UInt32]
  /// Open addressing: pair, then rank << 32 | id of the joined token; `noRule` marks a free place.
  private let rules: [UInt64]
  private let shift: UInt64
  /// The pieces that are never cut, whatever the rules say; nil where the rules decide.
  let wholePieces: Vocabulary?

  static let noToken = UInt32.max
  static let noRule = UInt64.max

  /// One learned merge.
  struct Merge {
    let left: UInt32
    let right: UInt32
    let joined: UInt32
  }

  /// Merges are in the order of their ranks; of two for the same pair the later one counts.
  init(byteIds: [UInt32], merges: [Merge], wholePieces: Vocabulary? = nil) {
    precondition(byteIds.count == 256, "one id per byte")
    self.byteIds = byteIds
    self.wholePieces = wholePieces
    let capacity = Vocabulary.capacity(for: merges.count)
    shift = UInt64(64 - capacity.trailingZeroBitCount)
    var rules = [UInt64](repeating: BytePairEncoding.noRule, count: 2 * capacity)
    for (rank, merge) in merges.enumerated() {
      let pair = UInt64(merge.left) << 32 | UInt64(merge.right)
      var place = Int(BytePairEncoding.hash(pair) >> shift)
      while rules[2 * place] != BytePairEncoding.noRule, rules[2 * place] != pair {
        place = (place + 1) & (capacity - 1)
      }
      rules[2 * place] = pair
      rules[2 * place + 1] = UInt64(rank) << 32 | UInt64(merge.joined)
    }
    self.rules = rules
  }

  @inline(__always) private static func hash(_ pair: UInt64) -> UInt64 {
    (pair ^ pair >> 29) &* 0x9E37_79B9_7F4A_7C15
  }

  /// The rule for two neighbours, rank << 32 | joined id; `noRule` where there is none.
  @inline(__always) fileprivate func rule(_ left: UInt32, _ right: UInt32) -> UInt64 {
    let pair = UInt64(left) << 32 | UInt64(right)
    let mask = rules.count / 2 - 1
    var place = Int(BytePairEncoding.hash(pair) >> shift)
    while true {
      let key = rules[2 * place]
      if key == pair { return rules[2 * place + 1] }
      if key == BytePairEncoding.noRule { return BytePairEncoding.noRule }
      place = (place + 1) & mask
    }
  }
}

/// The memory that merging needs; one per thread, reused from piece to piece.
struct MergeScratch {
  /// The tokens of the piece: the result, once `encode` returns.
  private(set) var ids: [UInt32] = []
  /// The rule for each token and its right neighbour.
  private var candidates: [UInt64] = []
  private var previous: [Int32] = []
  private var next: [Int32] = []
  private var heap: [UInt64] = []

  /// Pieces of more bytes go through the heap, whose cost is no square of the length.
  private static let scanLimit = 64

  /// Encodes the bytes of one piece into `ids`.
  mutating func encode(_ piece: Span<UInt8>, _ model: borrowing BytePairEncoding) {
    ids.removeAll(keepingCapacity: true)
    if let whole = model.wholePieces?.id(of: piece) {
      ids.append(whole)
      return
    }
    for index in piece.indices {
      let id = model.byteIds[Int(piece[index])]
      if id != BytePairEncoding.noToken { ids.append(id) }
    }
    if ids.count <= MergeScratch.scanLimit { mergeByScan(model) } else { mergeByHeap(model) }
  }

  /// Looks through all neighbours for the next merge: fastest for words.
  private mutating func mergeByScan(_ model: borrowing BytePairEncoding) {
    candidates.removeAll(keepingCapacity: true)
    guard ids.count > 1 else { return }
    for index in 1..<ids.count { candidates.append(model.rule(ids[index - 1], ids[index])) }
    var count = ids.count
    while count > 1 {
      var best = BytePairEncoding.noRule
      var position = 0
      for index in 0..<count - 1 where candidates[index] < best {
        best = candidates[index]
        position = index
      }
      if best == BytePairEncoding.noRule { break }
      ids[position] = UInt32(truncatingIfNeeded: best)
      count -= 1
      for index in position + 1..<count { ids[index] = ids[index + 1] }
      for index in position..<count - 1 { candidates[index] = candidates[index + 1] }
      if position > 0 { candidates[position - 1] = model.rule(ids[position - 1], ids[position]) }
      if position < count - 1 {
        candidates[position] = model.rule(ids[position], ids[position + 1])
      }
    }
    ids.removeLast(ids.count - count)
  }

  /// Keeps the possible merges in a heap and the tokens in a linked list.
  private mutating func mergeByHeap(_ model: borrowing BytePairEncoding) {
    let count = ids.count
    precondition(count < Int(Int32.max), "a piece of 2 GiB")
    previous = (0..<Int32(count)).map { $0 - 1 }
    next = (0..<Int32(count)).map { $0 + 1 }
    next[count - 1] = -1
    heap.removeAll(keepingCapacity: true)
    for position in 0..<count - 1 { offer(position, model) }
    while let top = pop() {
      let position = Int(top & 0xFFFF_FFFF)
      // A token that was swallowed has no id, and an entry whose pair has changed another rank.
      guard ids[position] != BytePairEncoding.noToken, next[position] >= 0 else { continue }
      let right = Int(next[position])
      let rule = model.rule(ids[position], ids[right])
      guard rule != BytePairEncoding.noRule, rule >> 32 == top >> 32 else { continue }
      ids[position] = UInt32(truncatingIfNeeded: rule)
      ids[right] = BytePairEncoding.noToken
      next[position] = next[right]
      if next[right] >= 0 { previous[Int(next[right])] = Int32(position) }
      offer(position, model)
      if previous[position] >= 0 { offer(Int(previous[position]), model) }
    }
    ids.removeAll { $0 == BytePairEncoding.noToken }
  }

  /// Puts the merge of a token with its right neighbour into the heap, if there is a rule for it.
  ///
  /// Entries are rank << 32 | position, so that of equal ranks the leftmost comes first.
  private mutating func offer(_ position: Int, _ model: borrowing BytePairEncoding) {
    guard next[position] >= 0 else { return }
    let rule = model.rule(ids[position], ids[Int(next[position])])
    guard rule != BytePairEncoding.noRule else { return }
    let entry = rule & ~0xFFFF_FFFF | UInt64(position)
    var child = heap.count
    heap.append(entry)
    while child > 0, heap[(child - 1) / 2] > entry {
      heap[child] = heap[(child - 1) / 2]
      child = (child - 1) / 2
    }
    heap[child] = entry
  }

  /// Takes the least entry out of the heap.
  private mutating func pop() -> UInt64? {
    guard let least = heap.first, let last = heap.popLast() else { return nil }
    guard !heap.isEmpty else { return least }
    var parent = 0
    while 2 * parent + 1 < heap.count {
      var child = 2 * parent + 1
      if child + 1 < heap.count, heap[child + 1] < heap[child] { child += 1 }
      if heap[child] >= last { break }
      heap[parent] = heap[child]
      parent = child
    }
    heap[parent] = last
    return least
  }
}
