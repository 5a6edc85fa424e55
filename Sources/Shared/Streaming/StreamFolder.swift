// The folder of a stream, `stream` in that of its activations: shards that come and go. Comes in: shards that
// workers make and readers have done with. Leaves: never more of them than there are places.
//
// A place is a file that is made by exclusive create and names one shard. A worker has the lease of a shard before
// it takes a place for it, and who removes a shard has that lease too and removes the place last. So at any
// moment, and after any kill, the shards that are there or in the making are no more than the places. Everything
// else repairs itself: a shard that is asked for and not there is made, always with the same bytes.

/// What a stream holds on the disk.
package struct StreamFolder: Sendable, Equatable {
  package static let name = "stream"
  package static let descriptionName = "stream.json"
  /// The hook points of a stream: what the SAE reads, and a transcoder's targets.
  private static let parts = ["shard", "targets"]
  package static let partLimit = parts.count
  private static let slotPrefix = "place-"

  package let path: String
  /// How many hook points it has.
  package let partCount: Int

  package init(path: String, partCount: Int) {
    self.path = path
    self.partCount = partCount
  }

  package init(of folder: StageFolder, partCount: Int) {
    self.init(path: folder.path + "/" + StreamFolder.name, partCount: partCount)
  }

  package var descriptionPath: String { path + "/" + StreamFolder.descriptionName }

  /// The file of a shard of one of the hook points.
  package func shardPath(_ shard: Int, part: Int) -> String {
    "\(path)/\(StreamFolder.parts[part])-\(paddedNumber(shard)).safetensors"
  }

  package func notePath(_ shard: Int, part: Int) -> String {
    "\(path)/\(StreamFolder.parts[part])-\(paddedNumber(shard)).json"
  }

  package func leasePath(_ shard: Int) -> String {
    shardPath(shard, part: 0) + Lease.suffix
  }

  private func slotPath(_ slot: Int) -> String {
    path + "/" + StreamFolder.slotPrefix + paddedNumber(slot)
  }

  package func isThere(_ shard: Int) -> Bool {
    (0..<partCount).allSatisfy { System.exists(shardPath(shard, part: $0)) }
  }
}

extension StreamFolder {
  /// What lies in the folder.
  package struct Content: Sendable, Equatable {
    /// Shards that are there for every hook point.
    package var present: Set<Int> = []
    /// Shards of which a file is there.
    var begun: Set<Int> = []
    /// The shard of each place that is taken.
    package var slots: [Int: Int] = [:]
  }

  /// Looks at the folder.
  ///
  /// Files are listed before places are read: a shard that is seen has, or had, a place.
  package func content() throws(SystemError) -> Content {
    var content = Content()
    var counts: [Int: Int] = [:]
    let names = try System.list(path)
    for name in names {
      if let shard = StreamFolder.shard(of: name) { counts[shard, default: 0] += 1 }
    }
    for (shard, count) in counts {
      content.begun.insert(shard)
      if count == partCount { content.present.insert(shard) }
    }
    for name in names {
      guard name.hasPrefix(StreamFolder.slotPrefix),
        let slot = Int(name.dropFirst(StreamFolder.slotPrefix.count)),
        let shard = try shard(inSlot: slot)
      else { continue }
      content.slots[slot] = shard
    }
    return content
  }

  /// Whether a name is that of a shard of the first hook point.
  package static func isShard(_ name: String) -> Bool {
    name.hasPrefix(parts[0]) && shard(of: name) != nil
  }

  /// The shard of which a name is that of a file.
  private static func shard(of name: String) -> Int? {
    for part in parts where name.hasPrefix(part + "-") && name.hasSuffix(".safetensors") {
      return Int(name.dropFirst(part.count + 1).dropLast(".safetensors".count))
    }
    return nil
  }

  /// The shard that a place is taken for; nil where it is free.
  private func shard(inSlot slot: Int) throws(SystemError) -> Int? {
    let bytes = try MappedFile.contents(ifThere: slotPath(slot))
    return bytes.flatMap { Int(String(decoding: $0, as: UTF8.self)) }
  }

  /// Takes a place for a shard whose lease the caller has; true where it has one by then.
  package func takeSlot(for shard: Int, of slots: Int) throws(SystemError) -> Bool {
    let taken = try content().slots
    if taken.contains(where: { $0.value == shard && $0.key < slots }) { return true }
    for slot in 0..<slots where taken[slot] == nil {
      if try create(slotPath(slot), text: String(shard)) { return true }
    }
    return false
  }

  /// Makes a file with a content unless there is one of its name.
  private func create(_ path: String, text: String) throws(SystemError) -> Bool {
    let temporary = TemporaryName.sibling(of: path)
    try System.remove(temporary)
    let descriptor = try System.createExclusively(temporary)
    defer {
      System.close(descriptor)
      try? System.remove(temporary)
    }
    let bytes = Array(text.utf8)
    try System.write(bytes.span.raw, to: descriptor, path: path)
    return try System.nameUnlessTaken(temporary, as: path)
  }

  /// Removes a shard and frees its place, unless somebody has its lease, and so makes or removes it.
  ///
  /// `isWanted` is asked once nobody else can do either.
  package func remove(
    _ shard: Int, _ watch: inout LeaseWatch, unless isWanted: () throws -> Bool = { false }
  ) throws {
    guard try watch.look(at: leasePath(shard)) == .free,
      let lease = try Lease.claim(leasePath(shard))
    else { return }
    defer { lease.release() }
    if try isWanted() { return }
    do {
      try removeFiles(of: shard, lease)
      for (slot, held) in try content().slots where held == shard {
        try lease.requireHeld()
        try System.remove(slotPath(slot))
      }
    } catch is LostLease {
      // Whoever has the lease by now makes the shard, or removes it.
    }
  }

  /// Removes the files of a shard, with those that a worker left when it died; the caller has its lease.
  package func removeFiles(of shard: Int, _ lease: Lease) throws {
    let files = Set((0..<partCount).map { shardPath(shard, part: $0).split(separator: "/").last })
    try lease.requireHeld()
    for name in try System.list(path) {
      let base = TemporaryName(name).map(\.base) ?? name
      if files.contains(base[...]) { try System.remove(path + "/" + name) }
    }
  }

  /// Frees what workers left that died: places without a shard, shards without a place, and places beyond `slots`.
  package func tidy(slots: Int, _ watch: inout LeaseWatch) throws {
    let content = try content()
    let placed = Set(content.slots.values)
    let lost = content.slots.filter { $0.key >= slots || !content.present.contains($0.value) }
    for shard in Set(lost.values).union(content.begun.subtracting(placed)).sorted() {
      try remove(shard, &watch) {
        let now = try self.content()
        let isPlaced = now.slots.contains { $0.value == shard && $0.key < slots }
        return now.present.contains(shard) && isPlaced
      }
    }
    for name in try System.list(path) where TemporaryName(name)?.isAbandoned == true {
      // Those of shards count as in the making until their place is free.
      if StreamFolder.shard(of: TemporaryName(name)?.base ?? "") == nil {
        try System.remove(path + "/" + name)
      }
    }
  }
}
