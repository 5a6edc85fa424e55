// What screening keeps: the batch and the weights in reduced precision, and lists of latents that threads
// fill for their rows. Whether a batch is screened is decided here, by what the batches before it left over.

import Shared
import Synchronization

/// How much of what was screened was left, of all threads.
final class ScreeningLoad: Sendable {
  private let kept = Atomic<Int>(0)
  private let full = Atomic<Int>(0)

  /// Counts latents that were not excluded, and rows that had more than there was room for.
  func add(kept latents: Int, full rows: Int = 0) {
    kept.wrappingAdd(latents, ordering: .relaxed)
    full.wrappingAdd(rows, ordering: .relaxed)
  }

  /// Whether a full product would have taken less time.
  func isHeavy(rows: Int, dSae: Int) -> Bool {
    kept.load(ordering: .relaxed) > rows * dSae / 6 || full.load(ordering: .relaxed) > rows / 16
  }
}

/// Decides which batches are screened.
struct ScreeningPauses {
  /// Batches without screening, after one that it did not pay for.
  private static let length = 16

  private var left = 0

  /// Whether the next batch is screened.
  mutating func allows() -> Bool {
    guard left > 0 else { return true }
    left -= 1
    return false
  }

  mutating func begin() { left = Self.length }
}

/// The latents that rows have left, in memory of each thread.
struct ScreenLists: ~Copyable {
  let threads: Int
  /// Rows that a thread has lists for, and latents that there is room for in each.
  let rows: Int
  let room: Int
  var latents: AlignedBuffer<Int32>
  var upper: AlignedBuffer<Float>
  var lower: AlignedBuffer<Float>
  /// Latents in each list; −1 where they had no room.
  var counts: AlignedBuffer<Int32>
  /// Where the next tile begins in each list.
  var cursors: AlignedBuffer<Int32>
  /// What the bounds of each row must exceed.
  var limits: AlignedBuffer<Float>
  /// A list's numbers for each thread, to be ordered.
  var ranked: AlignedBuffer<Float>

  init(_ size: ScreenSize, threads: Int) {
    self.threads = threads
    rows = size.listRows
    room = size.listRoom
    latents = AlignedBuffer(count: threads * rows * room)
    upper = AlignedBuffer(count: threads * rows * room)
    lower = AlignedBuffer(count: threads * rows * room)
    counts = AlignedBuffer(count: threads * rows)
    cursors = AlignedBuffer(count: threads * rows)
    limits = AlignedBuffer(count: threads * rows)
    ranked = AlignedBuffer(count: threads * room)
  }
}

/// How much is screened.
struct ScreenSize: Sendable {
  /// Places that a scan needs beyond those that it fills.
  static let slack = 32

  let batchRows: Int
  let dIn: Int
  let dSae: Int
  let listRows: Int
  let listRoom: Int

  /// Nil where an SAE's latents are not screened: its rows are too wide, or neither a limit nor a number
  /// of latents is known.
  init?(_ configuration: SAEConfiguration, _ grid: EncoderGrid, rows: Int) {
    guard configuration.dIn <= ScreeningOperands.widthLimit else { return nil }
    (batchRows, dIn, dSae) = (rows, configuration.dIn, configuration.dSae)
    switch configuration.selection {
    case .rows(let selection):
      guard let largest = selection as? TopK else { return nil }
      listRows = grid.rowsPerTask
      // So much that most rows are thinned out two or three times.
      listRoom = min(dSae, 8 * largest.k + 192) + Self.slack
    case .above, .batch:
      listRows = 1
      listRoom = grid.tileStride + Self.slack
    case .search: return nil
    }
  }

  /// Numbers of four bytes that screening takes.
  func count(threads: Int) -> Int {
    ScreeningOperands.count(rows: batchRows, dIn: dIn, dSae: dSae)
      + threads * (listRows * (3 * listRoom + 3) + listRoom)
  }
}

/// What threads write of their lists.
struct ScreenListWriter: ~Escapable, Sendable {
  private let rows: Int
  private let room: Int
  let latents: Disjoint<Int32>
  let upper: Disjoint<Float>
  let lower: Disjoint<Float>
  let counts: Disjoint<Int32>
  let cursors: Disjoint<Int32>
  let limits: Disjoint<Float>
  private let ranked: Disjoint<Float>

  @_lifetime(&lists)
  init(_ lists: inout ScreenLists) {
    rows = lists.rows
    room = lists.room
    latents = lists.latents.writer
    upper = lists.upper.writer
    lower = lists.lower.writer
    counts = lists.counts.writer
    cursors = lists.cursors.writer
    limits = lists.limits.writer
    ranked = lists.ranked.writer
  }

  /// The number of a thread's list.
  func list(_ index: Int, thread: Int) -> Int { thread * rows + index }

  /// A list with what is in it.
  @_lifetime(copy self)
  func found(_ list: Int, count: Int) -> ScreenedLatents {
    let place = list * room..<(list + 1) * room
    return ScreenedLatents(
      count: count, latents: latents.slice(place), upper: upper.slice(place),
      lower: lower.slice(place))
  }

  /// Entries of a list.
  func places(_ list: Int, _ entries: Range<Int>) -> Range<Int> {
    list * room + entries.lowerBound..<list * room + entries.upperBound
  }

  /// The k-th largest lower bound of a list, as working memory of the thread allows.
  func limit(_ found: borrowing ScreenedLatents, largest k: Int, thread: Int) -> Float {
    guard k > 0, found.count >= k else { return -.infinity }
    var ranked = ranked.slice(thread * room..<(thread + 1) * room)
    for index in 0..<found.count { ranked[index] = found.lower[index] }
    return LargestOfBatch.select(&ranked, count: found.count, rank: k - 1)
  }
}

/// Screens batches where that pays.
struct Screen: ~Copyable {
  private let size: ScreenSize?
  private var operands: ScreeningOperands
  private var lists: ScreenLists
  private var pauses = ScreeningPauses()
  private var holdsWeights = false
  /// Whether the batch that was begun is screened.
  private(set) var isOn = false

  /// Screens in one way, or nothing where there is none or no `size`.
  init(_ kind: ScreeningKind?, _ size: ScreenSize?) {
    let size = kind == nil ? nil : size
    self.size = size
    operands = ScreeningOperands(
      kind ?? .int16AVX2, rows: size?.batchRows ?? 0, dIn: size?.dIn ?? 1,
      dSae: size?.dSae ?? 0)
    lists = ScreenLists(
      size ?? ScreenSize(listRows: 0, listRoom: 0), threads: Parallel.threadCount)
  }

  /// Begins a batch; one is screened if pre-activations are `isPlain`: products, biases and norms.
  mutating func begin(
    _ input: borrowing EncodingInput, isPlain: Bool, _ purpose: EncodingPurpose
  ) {
    isOn = size != nil && isPlain && pauses.allows()
    guard isOn else { return }
    operands.fill(rows: input.centered)
    // The weights of a finished SAE are what they were.
    if case .inference = purpose, holdsWeights { return }
    operands.fill(weights: input.encoder)
    holdsWeights = true
  }

  /// Runs a pass over the batch that was begun.
  mutating func run(_ pass: borrowing TilePass, rows: Int) {
    let load = ScreeningLoad()
    Self.run(pass, rows: rows, operands, &lists, load)
    if load.isHeavy(rows: rows, dSae: pass.configuration.dSae) { pauses.begin() }
  }

  private static func run(
    _ pass: borrowing TilePass, rows: Int, _ operands: borrowing ScreeningOperands,
    _ lists: inout ScreenLists, _ load: ScreeningLoad
  ) {
    ScreenedPass(pass, Screening(operands), ScreenListWriter(&lists), load).run(rows: rows)
  }
}

extension ScreenSize {
  /// Nothing.
  fileprivate init(listRows: Int, listRoom: Int) {
    (batchRows, dIn, dSae) = (0, 1, 0)
    self.listRows = listRows
    self.listRoom = listRoom
  }
}
