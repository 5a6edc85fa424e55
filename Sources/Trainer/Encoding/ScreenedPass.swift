// What one task of the encoder does where products in reduced precision exclude most latents: those that
// are left have their pre-activations computed in float32, and selection sees these alone. The codes are
// those of TilePass, bit for bit.

import Shared

/// What one task does for its rows.
struct ScreenedPass: ~Escapable, Sendable {
  fileprivate let pass: TilePass
  fileprivate let screening: Screening
  fileprivate let terms: ScreeningTerms
  fileprivate let lists: ScreenListWriter
  fileprivate let load: ScreeningLoad

  @_lifetime(copy pass, copy screening, copy lists)
  init(
    _ pass: borrowing TilePass, _ screening: borrowing Screening,
    _ lists: borrowing ScreenListWriter, _ load: ScreeningLoad
  ) {
    self.pass = copy pass
    self.screening = copy screening
    self.lists = copy lists
    self.load = load
    terms = pass.screeningTerms
  }

  func run(rows: Int) {
    let grid = pass.grid
    Parallel.forEach(grid.taskCount(rows: rows), atMost: pass.memory.threads) { index, thread in
      let task = grid.task(index, rows: rows)
      if case .rows(let selection) = pass.configuration.selection {
        guard let largest = selection as? TopK else { return }
        LargestOfTask(self, task, largest, thread: thread).run()
      } else {
        collect(task, thread: thread)
      }
    }
  }

  /// Fills a thread's tile with products in reduced precision.
  fileprivate func fill(_ rows: Range<Int>, _ latents: Range<Int>, thread: Int) {
    var tile = pass.memory.tiles.slice(pass.tile(thread: thread))
    screening.fill(&tile, stride: pass.grid.tileStride, rows: rows, latents: latents)
  }

  /// Adds what is left of a row of a thread's tile to a list, from `position` on.
  fileprivate func scan(
    _ index: Int, _ latents: Range<Int>, row: Int, thread: Int, limit: Float,
    position: inout Int, _ found: inout ScreenedLatents
  ) {
    let start = pass.tile(thread: thread).lowerBound + index * pass.grid.tileStride
    let numbers = pass.memory.tiles.slice(start..<start + latents.count)
    screening.scan(
      numbers.span, row: row, latents: latents, terms, limit: limit, position: &position, &found)
  }

  // MARK: Above a limit

  private func collect(_ task: EncoderGrid.Task, thread: Int) {
    var work = TilePass.Work(thread: thread, region: pass.grid.region(task, room: pass.room))
    var kept = 0
    for tile in task.tiles {
      let latents = pass.grid.latents(tile)
      work.tile = tile
      fill(task.rows, latents, thread: thread)
      for (index, row) in task.rows.enumerated() {
        let count = screen(index, row, latents, thread: thread)
        kept += count
        if !take(count, row, latents, &work) { pass.overflow.set() }
        if pass.overflow.isSet { return load.add(kept: pass.configuration.dSae * task.rows.count) }
      }
    }
    load.add(kept: kept)
  }

  /// Lists the latents of a row of a tile that can be above the limit, with their pre-activations;
  /// returns how many.
  private func screen(_ index: Int, _ row: Int, _ latents: Range<Int>, thread: Int) -> Int {
    let list = lists.list(0, thread: thread)
    var found = lists.found(list, count: 0)
    var position = 0
    scan(
      index, latents, row: row, thread: thread, limit: pass.limit, position: &position, &found)
    let count = found.count
    fillActivations(list, 0..<count, row, latents)
    return count
  }

  /// Replaces the upper bounds of entries, whose latents are counted from the first of the tile, by
  /// pre-activations.
  fileprivate func fillActivations(
    _ list: Int, _ entries: Range<Int>, _ row: Int, _ latents: Range<Int>
  ) {
    guard !entries.isEmpty else { return }
    let width = pass.configuration.dIn
    let places = lists.places(list, entries)
    let chosen = lists.latents.slice(places)
    var values = lists.upper.slice(places)
    DotProduct.dots(
      pass.input.centered.extracting(row * width..<(row + 1) * width),
      pass.input.encoder.extracting(latents.lowerBound * width..<latents.upperBound * width),
      rows: chosen.span, into: &values)
    for index in 0..<values.count {
      values[index] = pass.activation(
        values[index], latent: latents.lowerBound + Int(chosen[index]))
    }
  }

  /// Keeps what is above the limit; false where it does not fit.
  private func take(
    _ count: Int, _ row: Int, _ latents: Range<Int>, _ work: inout TilePass.Work
  ) -> Bool {
    let places = lists.places(lists.list(0, thread: work.thread), 0..<count)
    let chosen = lists.latents.slice(places)
    let values = lists.upper.slice(places)
    return pass.take(row, latents, &work) { collection, limits in
      collection.collect(values.span, of: chosen.span, above: pass.limit, limits)
    }
  }
}

// MARK: - The largest of rows

/// The k largest of each row of a task.
private struct LargestOfTask: ~Escapable {
  private let screened: ScreenedPass
  private let task: EncoderGrid.Task
  private let largest: TopK
  private let thread: Int
  private let grid: EncoderGrid

  @_lifetime(copy screened)
  init(_ screened: borrowing ScreenedPass, _ task: EncoderGrid.Task, _ largest: TopK, thread: Int) {
    self.screened = copy screened
    self.task = task
    self.largest = largest
    self.thread = thread
    grid = screened.pass.grid
  }

  func run() {
    begin()
    for tile in task.tiles {
      let latents = grid.latents(tile)
      screened.fill(task.rows, latents, thread: thread)
      for (index, row) in task.rows.enumerated() { scan(index, row, latents) }
    }
    for index in 0..<task.rows.count { thinOut(index) }
    for tile in task.tiles {
      let latents = grid.latents(tile)
      for (index, row) in task.rows.enumerated() { fillActivations(index, row, latents) }
    }
    finish()
  }

  private func begin() {
    for (index, row) in task.rows.enumerated() {
      let list = list(index)
      screened.lists.counts.set(list, 0)
      screened.lists.cursors.set(list, 0)
      // What is not above zero takes part in nothing.
      screened.lists.limits.set(list, 0)
      screened.pass.begin(row)
    }
  }

  private func list(_ index: Int) -> Int { screened.lists.list(index, thread: thread) }

  private func count(_ list: Int) -> Int { Int(screened.lists.counts.slice(list..<list + 1)[0]) }

  private func limit(_ list: Int) -> Float { screened.lists.limits.slice(list..<list + 1)[0] }

  /// Lists what a tile adds to a row's latents, which are counted from the first of all.
  private func scan(_ index: Int, _ row: Int, _ latents: Range<Int>) {
    let list = list(index)
    let before = count(list)
    guard before >= 0 else { return }
    var found = screened.lists.found(list, count: before)
    var (position, start) = (0, before)
    while true {
      screened.scan(
        index, latents, row: row, thread: thread, limit: limit(list), position: &position, &found)
      for entry in start..<found.count { found.latents[entry] += Int32(latents.lowerBound) }
      guard position < latents.count else { break }
      thinOut(list, &found)
      start = found.count
      guard found.count + 2 * ScreenSize.slack <= found.latents.count else {
        return screened.lists.counts.set(list, -1)
      }
    }
    screened.lists.counts.set(list, Int32(found.count))
  }

  private func thinOut(_ index: Int) {
    let list = list(index)
    let before = count(list)
    guard before > 0 else { return }
    var found = screened.lists.found(list, count: before)
    thinOut(list, &found)
    screened.lists.counts.set(list, Int32(found.count))
  }

  /// Leaves the latents whose upper bounds are not below the k-th largest lower one, in their order.
  private func thinOut(_ list: Int, _ found: inout ScreenedLatents) {
    let limit = max(
      limit(list), screened.lists.limit(found, largest: largest.k, thread: thread))
    screened.lists.limits.set(list, limit)
    var kept = 0
    for entry in 0..<found.count where !(found.upper[entry] < limit) {
      found.latents[kept] = found.latents[entry]
      found.upper[kept] = found.upper[entry]
      found.lower[kept] = found.lower[entry]
      kept += 1
    }
    found.count = kept
  }

  /// Replaces upper bounds by pre-activations while the weights of a tile are in cache.
  private func fillActivations(_ index: Int, _ row: Int, _ latents: Range<Int>) {
    let list = list(index)
    let (start, count) = (Int(screened.lists.cursors.slice(list..<list + 1)[0]), count(list))
    guard start < count else { return }
    let found = screened.lists.found(list, count: count)
    var end = start
    while end < count, Int(found.latents[end]) < latents.upperBound { end += 1 }
    screened.lists.cursors.set(list, Int32(end))
    screened.fillActivations(list, start..<end, row, 0..<grid.dSae)
  }

  private func finish() {
    var (kept, full) = (0, 0)
    for (index, row) in task.rows.enumerated() {
      let list = list(index)
      let count = count(list)
      if count < 0 {
        full += 1
        screened.pass.compareAll(row, task.tiles, thread: thread)
      } else {
        kept += count
        let places = screened.lists.places(list, 0..<count)
        var candidates = screened.pass.candidates(row)
        let numbers = screened.lists.upper.slice(places)
        let latents = screened.lists.latents.slice(places)
        largest.scan(numbers.span, latents: latents.span, &candidates)
        screened.pass.keep(candidates, row)
      }
      screened.pass.finish(row)
    }
    screened.load.add(kept: kept, full: full)
  }
}
