// A local Hub, a cache of a test's own and a client between them.

package import Shared

/// What the tests of the Hub's client need, with little patience.
package final class HubWorld: Sendable {
  package let hub: LocalHub
  package let folder: TemporaryFolder
  package let terminal = RecordedTerminal(isInteractive: false)

  package init(_ options: LocalHub.Options = LocalHub.Options()) throws {
    hub = try LocalHub(options)
    folder = try TemporaryFolder()
  }

  deinit { hub.stop() }

  package var cache: String { folder.file("cache") }

  /// A client with these variables besides those that lead here.
  package func client(
    _ variables: [String: String] = [:], failureLimit: Int = 6
  ) throws -> HubClient {
    let own = ["HF_ENDPOINT": hub.endpoint, "HF_HUB_CACHE": cache, "HOME": folder.path]
    var patience = HTTPPatience()
    patience.failureLimit = failureLimit
    patience.firstSeconds = 0.01
    return HubClient(
      try HubEnvironment(own.merging(variables) { $1 }), terminal: terminal.terminal,
      patience: patience)
  }

  /// Every path of the cache with the target of a link or the text of a file.
  package func cachedPaths(_ root: String? = nil, below prefix: String = "") throws -> [String:
    String]
  {
    let root = root ?? cache
    var found: [String: String] = [:]
    for name in try System.list(root) {
      let (path, key) = ("\(root)/\(name)", prefix + name)
      if let target = System.linkTarget(path) {
        found[key] = "-> \(target)"
      } else if System.isDirectory(path) {
        found.merge(try cachedPaths(path, below: key + "/")) { $1 }
      } else {
        found[key] = String(decoding: try contents(of: path), as: UTF8.self)
      }
    }
    return found
  }

  /// The requests for content that the Hub's hosts have answered.
  package var contentRequests: [LocalHubRequest] { hub.requests.filter { $0.host == .content } }
}

/// The sentence, the hint and the exit code of what a call throws; "" where it throws nothing.
package func failure(_ body: () throws -> Void) -> String {
  do {
    try body()
    return ""
  } catch let error as any Failure {
    return "\(error.sentence) | \(error.hint ?? "") | \(error.exitCode.rawValue)"
  } catch {
    return "no Failure: \(error)"
  }
}
