// Who this process is among all processes on all machines, also after its number was given away again.

/// What tells this process from every other that may see the same folders.
package enum ProcessIdentity {
  /// Twelve digits for the host name, this boot and this namespace of process numbers.
  ///
  /// Two containers may share a host name and a process number; they do not share all three.
  package static let machine: String = {
    let namespace = (try? System.status("/proc/self/ns/pid"))?.inode ?? 0
    let content = "\(System.hostName)\n\(bootIdentifier)\n\(namespace)"
    return String(Digest.of(content).prefix(12))
  }()

  /// Random, so that a later process with the same number is known for another.
  static let token = String(UInt64.random(in: 0...UInt64.max), radix: 16)

  private static var bootIdentifier: String {
    let path = "/proc/sys/kernel/random/boot_id"
    guard let descriptor = try? System.openForReading(path) else { return "" }
    defer { System.close(descriptor) }
    let bytes = try? System.read(descriptor, byteCount: 64, offset: 0, path: path)
    return String(decoding: bytes ?? [], as: UTF8.self)
  }
}
