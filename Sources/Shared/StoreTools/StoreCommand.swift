// The verbs that look after stores, the same in each program: ls, info, verify, gc, copy. Comes in: the command line.
// Leaves: results on stdout.

package enum StoreCommand {
  /// Runs one of the verbs; false where another one was asked for, or none.
  package static func run(_ invocation: Invocation) throws -> Bool {
    switch invocation.verb.flatMap(CommonVerb.init) {
    case .list: try list(invocation)
    case .info: try info(invocation)
    case .verify: try verify(invocation)
    case .collect: try CollectCommand.run(invocation)
    case .copy: try copy(invocation)
    case .help, .completion, .manual, .sbatch, .stage, nil: return false
    }
    return true
  }

  /// What the words of a command line name; where there are none, the stores of the pipeline file, or ./store.
  static func places(_ invocation: Invocation, _ words: [String]) throws -> [StorePlace] {
    if !words.isEmpty { return try words.map { try StorePlace($0) } }
    let pipeline = invocation.pipeline
    let given = pipeline.stores.paths.filter { System.isDirectory($0) }
    guard !given.isEmpty else { throw StorePlaceError.nothing(path: pipeline.store) }
    return [.pipeline(pipeline)]
  }

  /// The stores among places, each once.
  static func stores(_ places: [StorePlace]) throws -> [String] {
    var stores: [String] = []
    for place in places {
      if case .part(let path, _) = place { throw StorePlaceError.noStore(path: path) }
      for store in place.stores where !stores.contains(store) { stores.append(store) }
    }
    return stores
  }

  static func print(_ text: String) { Swift.print(Terminal.harmless(text)) }

  private static func list(_ invocation: Invocation) throws {
    let stores = try stores(places(invocation, invocation.operands))
    let listings = try stores.map { try StoreListing($0) }
    guard invocation.isJSON else {
      print(listings.map(\.text).joined(separator: "\n\n"))
      for entry in listings.flatMap(\.entries) {
        guard let problem = entry.problem else { continue }
        Terminal.standardError.print(Terminal.harmless("\(entry.path): \(problem)"))
      }
      return
    }
    print(JSON.object(["stores": .array(listings.map(\.json))]).canonical)
  }

  private static func info(_ invocation: Invocation) throws {
    let (path, stage) = try StorePlace.stageFolder(invocation.operands[0])
    let own = folder(of: folder(of: path))
    let stores = [own] + (invocation.config.isEmpty ? [] : invocation.pipeline.stores.paths)
    let report = FolderReport(path, stage: stage, kin: try kin(stores))
    print(invocation.isJSON ? report.json.canonical : report.text)
  }

  /// Everything in stores, stage by stage.
  private static func kin(_ stores: [String]) throws -> [StoreEntry] {
    let entries = try stores.filter { System.isDirectory($0) }.flatMap {
      try StoreListing($0).entries
    }
    let order: [StoreEntry.Kind] = [.tokens, .activations, .runs]
    return order.flatMap { kind in entries.filter { $0.kind == kind } }
  }

  private static func verify(_ invocation: Invocation) throws {
    var folders: [(path: String, stage: Stage)] = []
    for place in try places(invocation, invocation.operands) {
      if case .part(let path, let stage) = place { folders.append((path, stage)) }
      for store in place.stores {
        folders += try StoreListing(store).entries.filter { $0.kind != .sweeps }.map {
          ($0.path, Stage(rawValue: $0.kind.rawValue) ?? .runs)
        }
      }
    }
    let verifying = Verifying(folders)
    if !invocation.isQuiet {
      for path in verifying.unfinished {
        Terminal.standardError.print(
          Terminal.harmless("\(path) is not finished; its checkpoints alone are compared"))
      }
    }
    let progress = Progress(
      stage: "verify", unit: "bytes", total: verifying.byteCount,
      mode: invocation.isQuiet ? .quiet : .automatic)
    let damages = try verifying.run { progress.advance($0) }
    progress.finish()
    if invocation.isJSON {
      print(
        JSON.object([
          "files": .integer(verifying.fileCount), "bytes": .integer(verifying.byteCount),
          "damages": .array(damages.map { .string($0) }),
        ]).canonical)
    } else {
      for damage in damages { print(damage) }
    }
    guard damages.isEmpty else {
      throw DamagedFiles(count: damages.count, total: verifying.fileCount)
    }
    if !invocation.isJSON { print("\(verifying.fileCount) files are whole.") }
  }

  private static func copy(_ invocation: Invocation) throws {
    let (path, stage) = try StorePlace.stageFolder(invocation.operands[0])
    var store = invocation.operands[1]
    while store.count > 1, store.hasSuffix("/") { store.removeLast() }
    if System.exists(store), !System.isDirectory(store) {
      throw StorePlaceError.noStore(path: store)
    }
    var sources = [(path: path, stage: stage)]
    if invocation.options[StoreFlag.lineage.name] != nil {
      let report = FolderReport(path, stage: stage, kin: try kin([folder(of: folder(of: path))]))
      if let missing = report.missing {
        Terminal.standardError.print(
          "note: the store lacks \(missing.prefix(StageKey.shownDigits)), which it was made from")
      }
      // What something was made from is there before it.
      sources =
        report.ancestors.reversed().map {
          ($0.path, Stage(rawValue: $0.kind.rawValue) ?? .tokens)
        } + sources
    }
    let copies = try sources.map { try Copying($0.path, stage: $0.stage, to: store) }
    let progress = Progress(
      stage: "copy", unit: "bytes", total: copies.reduce(0) { $0 + $1.byteCount },
      mode: invocation.isQuiet ? .quiet : .automatic)
    for copying in copies where !invocation.isDryRun { try copying.run { progress.advance($0) } }
    progress.finish()
    print(
      invocation.isJSON
        ? JSON.object(["folders": .array(copies.map { .string($0.target) })]).canonical
        : copies.map(\.target).joined(separator: "\n"))
  }
}
