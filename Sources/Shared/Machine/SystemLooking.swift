// What lies at a path. Comes in: a path. Leaves: yes, no, or, where an answer matters, why that cannot be told.

extension System {
  /// What lies at a path; nil where nothing does, which must not mean that it could not be told.
  ///
  /// - Throws: what keeps one from looking, such as a disk that fails or a folder that is closed.
  package static func find(_ path: String) throws(SystemError) -> Status? {
    do { return try status(path) } catch {
      if error.isNothing { return nil }
      throw error
    }
  }

  /// Whether something is at a path; throws as `find` does.
  package static func isThere(_ path: String) throws(SystemError) -> Bool { try find(path) != nil }

  /// Whether something is at a path, for whom “no” costs only work.
  package static func exists(_ path: String) -> Bool { (try? status(path)) != nil }

  /// Whether a folder is at a path, for whom “no” costs only work.
  package static func isDirectory(_ path: String) -> Bool {
    (try? status(path))?.isDirectory ?? false
  }
}
