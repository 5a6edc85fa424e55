// How much memory a process may take. Comes in: what the machine and the process's control groups
// say. Leaves: the lowest of these numbers.

package enum Memory {
  /// Bytes of this machine's memory, or of this process's share where its control group or its address
  /// space is limited.
  package static let byteCount = min(
    System.memoryByteCount, groupLimit(read: read) ?? .max, System.addressSpaceLimit ?? .max)

  /// The lowest limit of a process's control groups and of those above them; nil where none is set.
  ///
  /// `read` gives the contents of a file, or nil where there is none.
  package static func groupLimit(read: (String) -> String?) -> Int? {
    var limits: [Int] = []
    for line in read("/proc/self/cgroup")?.split(separator: "\n") ?? [] {
      // Number, controllers and path: "0::/user.slice", "9:memory:/docker/1f…".
      let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3 else { continue }
      let isUnified = parts[0] == "0" && parts[1].isEmpty
      guard isUnified || parts[1].split(separator: ",").contains("memory") else { continue }
      let root = isUnified ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory"
      let name = isUnified ? "memory.max" : "memory.limit_in_bytes"
      // In a container the path may be that of the host, whose last existing part is the root.
      var group = parts[2].split(separator: "/")
      while true {
        let folder = ([root] + group.map { String($0) }).joined(separator: "/")
        if let limit = read(folder + "/" + name)?.split(whereSeparator: \.isWhitespace).first {
          // "max" stands for none.
          if let limit = Int(limit) { limits.append(limit) }
        }
        if group.popLast() == nil { break }
      }
    }
    return limits.min()
  }

  /// Files of /proc and /sys, which do not know their size.
  private static func read(_ path: String) -> String? {
    guard let descriptor = try? System.openForReading(path) else { return nil }
    defer { System.close(descriptor) }
    let bytes = try? System.read(descriptor, byteCount: 1 << 16, offset: 0, path: path)
    return bytes.map { String(decoding: $0, as: UTF8.self) }
  }
}
