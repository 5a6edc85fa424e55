// TCP on the loopback interface, in the few calls that the local Hub and its tests need. Descriptors come
// in, bytes leave; what fails is thrown as a SystemError.

import Foundation
import Shared

enum LocalSocket {
  /// Listens on a loopback address; port 0 lets the system choose.
  ///
  /// - Returns: the descriptor and the port.
  static func listen(address: String, port: Int) throws -> (descriptor: Int32, port: Int) {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | 0o2_000_000, 0)
    guard descriptor >= 0 else { throw failure("socket", address) }
    var yes: Int32 = 1
    _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, 4)
    var name = named(address, port)
    var length = socklen_t(16)
    let bound = unsafe withUnsafeMutablePointer(to: &name) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
        unsafe bind(descriptor, generic, length) == 0
          && Foundation.listen(descriptor, 512) == 0
          && getsockname(descriptor, generic, &length) == 0
      }
    }
    guard bound else {
      let error = failure("bind", "\(address):\(port)")
      System.close(descriptor)
      throw error
    }
    return (descriptor, Int(UInt16(bigEndian: name.sin_port)))
  }

  /// Waits for a connection; nil where the listener was shut down.
  static func accept(_ listener: Int32) -> Int32? {
    while true {
      let descriptor = Foundation.accept(listener, nil, nil)
      if descriptor >= 0 {
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        sendWithoutDelay(descriptor)
        return descriptor
      }
      if errno != EINTR && errno != ECONNABORTED { return nil }
    }
  }

  /// Connects to a loopback address, for tests that speak to the Hub without a client.
  static func connect(address: String, port: Int) throws -> Int32 {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | 0o2_000_000, 0)
    guard descriptor >= 0 else { throw failure("socket", address) }
    var name = named(address, port)
    let result = unsafe withUnsafePointer(to: &name) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe Foundation.connect(descriptor, $0, 16)
      }
    }
    guard result == 0 else {
      let error = failure("connect", "\(address):\(port)")
      System.close(descriptor)
      throw error
    }
    sendWithoutDelay(descriptor)
    return descriptor
  }

  /// Reads what has come, at most `limit` bytes; empty at the end of the stream.
  static func receive(_ descriptor: Int32, atMost limit: Int) throws -> [UInt8] {
    var failed = false
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: limit) { buffer, count in
      var got = -1
      repeat {
        got = unsafe recv(descriptor, buffer.baseAddress, limit, 0)
      } while got < 0
        && errno == EINTR
      failed = got < 0
      count = max(0, got)
    }
    if failed { throw failure("recv", "a connection") }
    return bytes
  }

  /// Sends all bytes of a range.
  static func send(_ descriptor: Int32, _ bytes: [UInt8], _ range: Range<Int>) throws {
    var start = range.lowerBound
    while start < range.upperBound {
      let from = start
      let sent = unsafe bytes.withUnsafeBytes { buffer in
        unsafe Foundation.send(
          descriptor, buffer.baseAddress.map { unsafe $0 + from }, range.upperBound - from,
          Int32(MSG_NOSIGNAL))
      }
      if sent < 0 && errno == EINTR { continue }
      guard sent > 0 else { throw failure("send", "a connection") }
      start += sent
    }
  }

  /// Sends a range of an open file without copying it through the process.
  static func send(_ descriptor: Int32, file: Int32, _ range: Range<Int>) throws {
    var offset = off_t(range.lowerBound)
    while Int(offset) < range.upperBound {
      let sent = unsafe sendfile(descriptor, file, &offset, range.upperBound - Int(offset))
      if sent < 0 && errno == EINTR { continue }
      guard sent > 0 else { throw failure("sendfile", "a connection") }
    }
  }

  /// Ends both directions, so that whoever waits on the descriptor goes on.
  static func shutDown(_ descriptor: Int32) {
    _ = shutdown(descriptor, Int32(SHUT_RDWR))
  }

  /// Makes closing the descriptor a reset of the connection, as of a server that crashed.
  static func resetOnClose(_ descriptor: Int32) {
    var lingering = linger(l_onoff: 1, l_linger: 0)
    _ = unsafe setsockopt(
      descriptor, SOL_SOCKET, SO_LINGER, &lingering, socklen_t(MemoryLayout<linger>.size))
  }

  /// Keeps this thread from ending the process where it sends to a connection that is gone.
  static func surviveBrokenConnections() {
    var signals = sigset_t()
    _ = unsafe sigemptyset(&signals)
    _ = unsafe sigaddset(&signals, SIGPIPE)
    _ = unsafe pthread_sigmask(SIG_BLOCK, &signals, nil)
  }

  private static func sendWithoutDelay(_ descriptor: Int32) {
    var yes: Int32 = 1
    _ = unsafe setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, 4)
  }

  private static func named(_ address: String, _ port: Int) -> sockaddr_in {
    var name = sockaddr_in()
    name.sin_family = sa_family_t(AF_INET)
    name.sin_port = UInt16(port).bigEndian
    name.sin_addr.s_addr = unsafe inet_addr(address)
    return name
  }

  private static func failure(_ call: String, _ what: String) -> SystemError {
    SystemError(call: call, path: what, errno: errno)
  }
}
