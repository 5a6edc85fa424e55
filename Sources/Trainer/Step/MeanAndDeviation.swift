// Mean and standard deviation of numbers that come one by one.

/// The mean of numbers and their deviation around it, by Welford's recurrence.
struct MeanAndDeviation: Sendable {
  private var count = 0
  private(set) var mean = 0.0
  private var squares = 0.0

  /// The unbiased standard deviation; 0 of fewer than two numbers.
  var deviation: Double {
    count > 1 ? (squares / Double(count - 1)).squareRoot() : 0
  }

  mutating func add(_ value: Double) {
    count += 1
    let distance = value - mean
    mean += distance / Double(count)
    squares += distance * (value - mean)
  }
}
