// The time by the clock of the disk that a store lies on, which is that of another machine where the disk is shared.

package enum StoreClock {
  /// Seconds since 1970; of this machine's clock where nothing may be written there.
  package static func now(in folder: String) -> Double {
    let probe = TemporaryName.sibling(of: folder + "/.clock")
    guard let descriptor = try? System.createExclusively(probe) else { return System.now }
    defer {
      System.close(descriptor)
      try? System.remove(probe)
    }
    guard let status = try? System.status(of: descriptor, path: probe) else { return System.now }
    return Double(status.modifiedNanoseconds) * 1e-9
  }
}
