// A prefix tree over byte strings. Comes in: tokens with their ids. Leaves: steps from byte to byte,
// for matching that wants every token that starts at a place.

/// A prefix tree over byte strings.
struct ByteTrie: Sendable {
  /// Open addressing: node << 8 | byte, plus one; 0 for a free place.
  private var keys: [UInt64]
  /// The child that a key leads to.
  private var children: [UInt32]
  /// The id of the token that ends at a node; `noToken` for none.
  private var ids: [UInt32] = [ByteTrie.noToken]

  /// The node where every walk starts.
  static let root: UInt32 = 0
  static let noToken = UInt32.max

  init() {
    keys = [UInt64](repeating: 0, count: 1 << 10)
    children = [UInt32](repeating: 0, count: 1 << 10)
  }

  /// The nodes there are.
  var count: Int { ids.count }

  /// Adds a token; of two that are equal the later id counts.
  mutating func insert(_ token: some Sequence<UInt8>, id: UInt32) {
    ids[Int(insertPath(token))] = id
  }

  /// The node at the end of a path, which is made where it is missing.
  @discardableResult
  mutating func insertPath(_ path: some Sequence<UInt8>) -> UInt32 {
    var node = ByteTrie.root
    for byte in path {
      if let next = child(of: node, byte) {
        node = next
      } else {
        let made = UInt32(ids.count)
        ids.append(ByteTrie.noToken)
        if 2 * ids.count > keys.count { grow() }
        place(ByteTrie.key(node, byte), made)
        node = made
      }
    }
    return node
  }

  /// The node one byte further on; nil where no token goes on so.
  @inline(__always) func child(of node: UInt32, _ byte: UInt8) -> UInt32? {
    let key = ByteTrie.key(node, byte)
    var index = ByteTrie.hash(key) & (keys.count - 1)
    while true {
      let found = keys[index]
      if found == key { return children[index] }
      if found == 0 { return nil }
      index = (index + 1) & (keys.count - 1)
    }
  }

  /// The id of the token that ends at a node; `noToken` for none.
  @inline(__always) func id(at node: UInt32) -> UInt32 { ids[Int(node)] }

  @inline(__always) private static func key(_ node: UInt32, _ byte: UInt8) -> UInt64 {
    (UInt64(node) << 8 | UInt64(byte)) + 1
  }

  @inline(__always) private static func hash(_ key: UInt64) -> Int {
    Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> 20)
  }

  private mutating func place(_ key: UInt64, _ child: UInt32) {
    var index = ByteTrie.hash(key) & (keys.count - 1)
    while keys[index] != 0 { index = (index + 1) & (keys.count - 1) }
    keys[index] = key
    children[index] = child
  }

  private mutating func grow() {
    let old = (keys, children)
    keys = [UInt64](repeating: 0, count: 2 * old.0.count)
    children = [UInt32](repeating: 0, count: 2 * old.0.count)
    for (key, child) in zip(old.0, old.1) where key != 0 { place(key, child) }
  }
}
