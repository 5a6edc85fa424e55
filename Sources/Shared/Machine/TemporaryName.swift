// Names of files and folders that are still being written.

/// The name of a temporary file: `<name>.<machine>.<process>.<number>.tmp`.
package struct TemporaryName {
  private static let suffix = "tmp"
  private static let numbers = Counter()

  /// The name that the file was to get.
  package let base: String
  let machine: String
  let process: Int32

  /// Reads a name; nil where it is none of a temporary file.
  package init?(_ name: String) {
    // Folders of many files hold few of them.
    guard name.hasSuffix("." + Self.suffix) else { return nil }
    let parts = name.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count >= 5, let process = Int32(parts[parts.count - 3]) else { return nil }
    base = parts.dropLast(4).joined(separator: ".")
    machine = String(parts[parts.count - 4])
    self.process = process
  }

  /// A sibling of `path` that no other process has.
  static func sibling(of path: String) -> String {
    "\(path).\(ProcessIdentity.machine).\(System.processIdentifier).\(numbers.take()).\(suffix)"
  }

  /// Whether the process that made the file is known to be gone.
  package var isAbandoned: Bool {
    machine == ProcessIdentity.machine && !System.isRunning(process)
  }
}
