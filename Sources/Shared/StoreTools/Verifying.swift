// Compares the files of folders with the sizes and hashes that their manifests state, and checkpoints with theirs.
// Comes in: folders of stores. Leaves: a sentence for each file that is not what it was, found by all threads.

/// Files that are not what their manifests say.
package struct DamagedFiles: Failure, Equatable {
  package let count: Int
  package let total: Int

  package init(count: Int, total: Int) { (self.count, self.total) = (count, total) }

  package var sentence: String {
    "\(count) of \(total) file\(total == 1 ? "" : "s") \(count == 1 ? "is" : "are") damaged."
  }

  package var hint: String? {
    "Run the program that made them with --verify: tokens and activations are made again; a run is "
      + "trained again once its folder is removed."
  }
}

/// The comparison of folders with what they say of themselves.
package struct Verifying: Sendable {
  private enum Task: Sendable {
    case listed(StageFolder, Manifest.Shard)
    case ofCheckpoint(path: String, sha256: String)

    var byteCount: Int {
      switch self {
      case .listed(_, let shard): shard.bytes
      case .ofCheckpoint(let path, _): (try? System.status(path).byteCount) ?? 0
      }
    }

    func run() throws {
      switch self {
      case .listed(let folder, let shard): try folder.check(shard, .digests)
      case .ofCheckpoint(let path, let sha256):
        guard try FileIdentity.interruptibleDigest(path) == sha256 else {
          throw DamagedCheckpointFile(path: path)
        }
      }
    }
  }

  private enum Finding: Sendable {
    case whole
    case damaged(String)
    case stopped(String)
  }

  private let tasks: [Task]
  /// What is wrong with manifests themselves.
  private let complaints: [String]
  /// Folders that have no manifest yet.
  package let unfinished: [String]

  package init(_ folders: [(path: String, stage: Stage)]) {
    var (tasks, complaints, unfinished): ([Task], [String], [String]) = ([], [], [])
    for (path, stage) in folders {
      let folder = StageFolder(path: path, stage: stage, fingerprint: nil)
      tasks += stage == .runs ? Verifying.checkpoints(of: path) : []
      do {
        guard let manifest = try folder.readManifest() else {
          unfinished.append(path)
          continue
        }
        let files = manifest.files.map {
          Manifest.Shard(file: $0.name, rows: 0, bytes: $0.bytes, sha256: $0.sha256)
        }
        tasks += (manifest.shards + files).map { .listed(folder, $0) }
      } catch { complaints.append(Verifying.sentence(error)) }
    }
    (self.tasks, self.complaints, self.unfinished) = (tasks, complaints, unfinished)
  }

  /// The files of a run's checkpoints, which say themselves what they hold.
  private static func checkpoints(of run: String) -> [Task] {
    let parent = run + "/checkpoints"
    return ((try? System.list(parent)) ?? []).filter { TemporaryName($0) == nil }.flatMap { name in
      let folder = "\(parent)/\(name)"
      let json = (try? MappedFile.contents(folder + "/checkpoint.json")).flatMap {
        try? JSON(parsing: $0)
      }
      let digests = (json?["sha256"]?.object ?? [:]).filter { $0.key.isPlainName }
      return digests.sorted { $0.key < $1.key }.map { file, digest in
        Task.ofCheckpoint(path: "\(folder)/\(file)", sha256: digest.string ?? "")
      }
    }
  }

  static func sentence(_ error: any Error) -> String {
    (error as? any Failure)?.sentence ?? "\(error)"
  }

  package var fileCount: Int { tasks.count + complaints.count }
  package var byteCount: Int { tasks.reduce(0) { $0 + $1.byteCount } }

  /// Reads everything; the sentences about what is damaged, in the order of folders and files.
  ///
  /// - Throws: where somebody asks the program to stop.
  package func run(_ onBytes: @Sendable @escaping (Int) -> Void = { _ in }) throws -> [String] {
    let tasks = tasks
    let found = Parallel.map(tasks.count) { index -> Finding in
      do { try tasks[index].run() } catch let stop as Interrupted {
        return .stopped(stop.sentence)
      } catch { return .damaged(Verifying.sentence(error)) }
      onBytes(tasks[index].byteCount)
      return .whole
    }
    var damages = complaints
    for finding in found {
      switch finding {
      case .whole: break
      case .damaged(let sentence): damages.append(sentence)
      case .stopped(let sentence):
        throw Interrupted(sentence, hint: "Nothing was changed; run the same command again.")
      }
    }
    return damages
  }
}

/// A file of a checkpoint that is not what the checkpoint says.
package struct DamagedCheckpointFile: Failure, Equatable {
  package let path: String

  package init(path: String) { self.path = path }

  package var sentence: String {
    "\(path) does not have the SHA-256 that its checkpoint.json states."
  }
}
