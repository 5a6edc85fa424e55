// How many processors this process may use. Comes in: what the kernel says about the process's affinity
// and the control groups that it lies in (versions 1 and 2). Leaves: a number of threads.

/// The processors that a process may use.
package enum Processors {
  /// Those of its affinity, or fewer where a control group limits their time; at least 1.
  package static let available = count(online: System.processorCount) { path in
    guard let descriptor = try? System.openForReading(path) else { return nil }
    defer { System.close(descriptor) }
    let bytes = try? System.read(descriptor, byteCount: 1 << 20, offset: 0, path: path)
    return bytes.map { String(decoding: $0, as: UTF8.self) }
  }

  /// The number of processors, where `read` gives the text of a file of the kernel.
  ///
  /// A limit of one and a half processors' time counts as two.
  package static func count(online: Int, read: (String) -> String?) -> Int {
    var limits = [Double(online)]
    if let status = read("/proc/self/status"), let allowed = allowedCount(status) {
      limits.append(Double(allowed))
    }
    let groups = (read("/proc/self/cgroup") ?? "").split(separator: "\n")
    for mount in (read("/proc/self/mountinfo") ?? "").split(separator: "\n").compactMap(Mount.init)
    {
      for folder in mount.folders(groups) {
        let share = mount.isUnified ? unified(folder, read) : legacy(folder, read)
        if let share { limits.append(share.rounded(.up)) }
      }
    }
    return max(1, Int(limits.min() ?? 1))
  }

  /// The processors of a process's affinity, from its line `Cpus_allowed_list: 0-3,8`.
  private static func allowedCount(_ status: String) -> Int? {
    let key = "Cpus_allowed_list:"
    guard let line = status.split(separator: "\n").first(where: { $0.hasPrefix(key) }) else {
      return nil
    }
    var count = 0
    for part in line.dropFirst(key.count).split(separator: ",") {
      let ends = part.split { !$0.isWholeNumber }.map { Int($0) }
      guard let first = ends.first ?? nil, let last = ends.last ?? nil, first <= last else {
        return nil
      }
      count += last - first + 1
    }
    return count > 0 ? count : nil
  }

  /// The processors' worth of time that a group of version 2 has: `150000 100000`, or `max 100000`.
  private static func unified(_ folder: String, _ read: (String) -> String?) -> Double? {
    guard let words = read(folder + "/cpu.max")?.split(whereSeparator: \.isWhitespace),
      words.count == 2
    else { return nil }
    return share(Double(words[0]), of: Double(words[1]))
  }

  /// That of a group of version 1, whose quota is -1 where there is no limit.
  private static func legacy(_ folder: String, _ read: (String) -> String?) -> Double? {
    func number(_ name: String) -> Double? {
      read(folder + "/" + name)?.split(whereSeparator: \.isWhitespace).first.flatMap { Double($0) }
    }
    return share(number("cpu.cfs_quota_us"), of: number("cpu.cfs_period_us"))
  }

  private static func share(_ quota: Double?, of period: Double?) -> Double? {
    guard let quota, let period, quota > 0, period > 0 else { return nil }
    return quota / period
  }
}

/// A hierarchy of control groups that is mounted and may limit time: a line of `/proc/self/mountinfo`.
private struct Mount {
  let isUnified: Bool
  /// The group that is seen at `point`.
  private let root: Substring
  private let point: Substring

  init?(_ line: Substring) {
    let words = line.split(separator: " ")
    guard let dash = words.firstIndex(of: "-"), dash >= 6, words.count >= dash + 4 else {
      return nil
    }
    let options = words[dash + 3].split(separator: ",")
    guard words[dash + 1] == "cgroup2" || (words[dash + 1] == "cgroup" && options.contains("cpu"))
    else { return nil }
    isUnified = words[dash + 1] == "cgroup2"
    (root, point) = (words[3], words[4])
  }

  /// The folders of the process's group and of those above it, as far as they are seen here.
  ///
  /// `groups` are the lines of `/proc/self/cgroup`: `4:cpu,cpuacct:/jobs/7`, `0::/jobs/7`.
  func folders(_ groups: [Substring]) -> [String] {
    let path = groups.lazy.compactMap { line -> Substring? in
      let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3 else { return nil }
      let isMine = isUnified ? parts[1].isEmpty : parts[1].split(separator: ",").contains("cpu")
      return isMine ? parts[2] : nil
    }.first
    var names = path?.split(separator: "/") ?? []
    let above = root.split(separator: "/")
    // A group outside of what is mounted, as in a container that sees its own group as the root.
    names = names.starts(with: above) ? Array(names.dropFirst(above.count)) : []
    return (0...names.count).map { count in
      ([String(point)] + names.prefix(count).map(String.init)).joined(separator: "/")
    }
  }
}
