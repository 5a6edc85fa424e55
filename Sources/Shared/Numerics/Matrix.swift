// Owners of aligned memory for numbers. Every large array of the programs is one of these, which
// is what makes "a step allocates nothing" countable.

import Synchronization

private let allocations = Atomic<Int>(0)

/// The number of `AlignedBuffer`s made so far; a training step must not move it after warm-up.
package var allocationCount: Int { allocations.load(ordering: .relaxed) }

/// Owns `count` elements, zero at first, aligned to 64 bytes.
@safe
package struct AlignedBuffer<Element: BitwiseCopyable & ExpressibleByIntegerLiteral & Sendable>:
  ~Copyable, @unchecked Sendable
{
  private let base: UnsafeMutableBufferPointer<Element>

  package init(count: Int) {
    precondition(count >= 0, "negative count")
    let raw = UnsafeMutableRawBufferPointer.allocate(
      byteCount: max(1, count) * MemoryLayout<Element>.stride, alignment: 64)
    unsafe base = raw.bindMemory(to: Element.self).extracting(0..<count)
    unsafe base.initialize(repeating: 0)
    allocations.wrappingAdd(1, ordering: .relaxed)
  }

  deinit { unsafe base.deallocate() }

  package var count: Int { unsafe base.count }

  package var span: Span<Element> {
    @_lifetime(borrow self) get {
      unsafe _overrideLifetime(Span(_unsafeElements: base), borrowing: self)
    }
  }

  package var mutableSpan: MutableSpan<Element> {
    @_lifetime(&self) mutating get {
      unsafe _overrideLifetime(MutableSpan(_unsafeElements: base), mutating: &self)
    }
  }

  /// The memory for writers of disjoint slices, several buffers of one owner at once.
  ///
  /// Reading what another slice is being written to is the caller's mistake to avoid.
  package var disjoint: Disjoint<Element> {
    @_lifetime(borrow self) get {
      unsafe _overrideLifetime(Disjoint(base), borrowing: self)
    }
  }

  /// The memory for writers of disjoint slices, lent by one who may write it.
  package var writer: Disjoint<Element> {
    @_lifetime(&self) mutating get {
      unsafe _overrideLifetime(Disjoint(base), mutating: &self)
    }
  }

  package subscript(index: Int) -> Element {
    get { span[index] }
    set {
      var span = mutableSpan
      span[index] = newValue
    }
  }
}

/// Owns a row-major matrix `[rows, columns]` of Float.
package struct Matrix: ~Copyable, Sendable {
  package let rows: Int
  package let columns: Int
  package var buffer: AlignedBuffer<Float>

  /// A matrix of zeros.
  package init(rows: Int, columns: Int) {
    self.rows = rows
    self.columns = columns
    buffer = AlignedBuffer(count: rows * columns)
  }

  package var count: Int { rows * columns }

  package var span: Span<Float> {
    @_lifetime(borrow self) get { buffer.span }
  }

  package var mutableSpan: MutableSpan<Float> {
    @_lifetime(&self) mutating get { buffer.mutableSpan }
  }

  package var disjoint: Disjoint<Float> {
    @_lifetime(borrow self) get { buffer.disjoint }
  }

  package var writer: Disjoint<Float> {
    @_lifetime(&self) mutating get { buffer.writer }
  }

  package subscript(row: Int, column: Int) -> Float {
    get { buffer[row * columns + column] }
    set { buffer[row * columns + column] = newValue }
  }

  /// Lends row `index`, `[columns]`.
  @_lifetime(borrow self)
  package func row(_ index: Int) -> Span<Float> {
    buffer.span.extracting(index * columns..<(index + 1) * columns)
  }

  package func copy() -> Matrix {
    var result = Matrix(rows: rows, columns: columns)
    for index in 0..<count { result.buffer[index] = buffer[index] }
    return result
  }
}
