// What the processor can do. Comes in: the kernel's description of it. Leaves: its instruction sets.

/// The instruction sets of the first processor of a `/proc/cpuinfo`.
package struct ProcessorFeatures: Sendable {
  /// As the kernel spells them (`avx2`); nil where it does not say.
  private let flags: Set<Substring>?

  /// This machine's.
  package static let here = ProcessorFeatures(description: read("/proc/cpuinfo"))

  package init(description: String) {
    let line = description.split(separator: "\n").first { $0.hasPrefix("flags") }
    flags = line.map { Set($0.split(whereSeparator: { " \t:".contains($0) })) }
  }

  /// Whether the kernel names all of these; nil where it names nothing.
  package func has(_ names: String...) -> Bool? {
    flags.map { flags in names.allSatisfy { flags.contains(Substring($0)) } }
  }

  private static func read(_ path: String) -> String {
    guard let descriptor = try? System.openForReading(path) else { return "" }
    defer { System.close(descriptor) }
    let text = try? System.read(descriptor, byteCount: 16_384, offset: 0, path: path)
    return String(decoding: text ?? [], as: UTF8.self)
  }
}
