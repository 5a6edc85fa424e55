// The merging of a piece's symbols. Comes in: a piece and the rules. Leaves: token ids.

/// The memory that merging needs; one per thread, reused from piece to piece.
struct MergeScratch {
  /// The rule for each token and its right neighbor.
  private var candidates: [UInt64] = []
  private var previous: [Int32] = []
  private var next: [Int32] = []
  private var heap: [UInt64] = []

  /// Pieces of more bytes go through the heap, whose cost is no square of the length.
  private static let scanLimit = 64

  /// Encodes one piece into `ids`, which is empty.
  mutating func encode(
    _ piece: Span<UInt8>, _ model: borrowing BytePairEncoding, into ids: inout [UInt32]
  ) {
    if let whole = model.wholePieces?.id(of: piece) {
      ids.append(whole)
      return
    }
    switch model.symbols {
    case .bytes(let table):
      for index in piece.indices {
        let id = table[Int(piece[index])]
        if id != BytePairEncoding.noToken { ids.append(id) }
      }
    case .characters(let symbols): symbols.append(piece, to: &ids)
    }
    if ids.count <= MergeScratch.scanLimit {
      mergeByScan(&ids, model)
    } else {
      mergeByHeap(&ids, model)
    }
  }

  /// Looks through all neighbors for the next merge: fastest for words.
  private mutating func mergeByScan(_ ids: inout [UInt32], _ model: borrowing BytePairEncoding) {
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
  private mutating func mergeByHeap(_ ids: inout [UInt32], _ model: borrowing BytePairEncoding) {
    let count = ids.count
    precondition(count < Int(Int32.max), "a piece of 2 GiB")
    previous = (0..<Int32(count)).map { $0 - 1 }
    next = (0..<Int32(count)).map { $0 + 1 }
    next[count - 1] = -1
    heap.removeAll(keepingCapacity: true)
    for position in 0..<count - 1 { offer(position, ids, model) }
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
      offer(position, ids, model)
      if previous[position] >= 0 { offer(Int(previous[position]), ids, model) }
    }
    ids.removeAll { $0 == BytePairEncoding.noToken }
  }

  /// Puts the merge of a token with its right neighbor into the heap, if there is a rule for it.
  ///
  /// Entries are rank << 32 | position, so that of equal ranks the leftmost comes first.
  private mutating func offer(
    _ position: Int, _ ids: borrowing [UInt32], _ model: borrowing BytePairEncoding
  ) {
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
