import Shared
import Testing

@Suite struct HTTPRetryTests {
  private func asked(_ headers: [(name: String, value: String)], now: Double = 0) -> Double? {
    var head = HTTPHead()
    head.headers = headers
    return HTTPRetry.asked(head, now: now)
  }

  @Test("What a server asks to wait is read from either header")
  func headers() {
    #expect(asked([("retry-after", "7")]) == 7)
    #expect(asked([("retry-after", "Wed, 21 Oct 2015 07:28:00 GMT")], now: 1_445_412_470) == 10)
    #expect(asked([("retry-after", "Wed, 21 Oct 2015 07:28:00 GMT")], now: 2e9) == 0)
    #expect(asked([("ratelimit", "\"api\";r=0;t=55")]) == 55)
    #expect(asked([("ratelimit", "\"api\"; r=0; t=5")]) == 5)
    #expect(asked([("ratelimit", "\"api\";r=3;t=55")]) == nil)
    #expect(asked([("retry-after", "soon"), ("ratelimit", "x")]) == nil)
    #expect(asked([("retry-after", "-1")]) == nil)
    for clock in ["9223372036854775807:28:00", "24:00:00", "07:-1:00", "07:28"] {
      #expect(asked([("retry-after", "Wed, 21 Oct 2015 \(clock) GMT")]) == nil)
    }
    #expect(asked([]) == nil)
  }

  @Test("Waits double up to a bound, vary by half, and end")
  func backoff() {
    var patience = HTTPPatience()
    patience.failureLimit = 9
    var retry = HTTPRetry(patience)
    for longest in [1.0, 2, 4, 8, 16, 30, 30, 30] {
      let wait = retry.fail() ?? 0
      #expect(wait >= longest / 2 && wait <= longest)
    }
    #expect(retry.fail() == nil)
    retry.succeed()
    #expect(retry.fail(asked: 300) == 300)
    #expect(retry.fail(asked: 3_000) == nil)
  }

  @Test("Overload and timeouts pass, refusals do not")
  func statuses() {
    #expect([408, 429, 500, 502, 503, 504].allSatisfy { HTTPRetry.isTransient($0) })
    #expect([400, 401, 403, 404, 409, 416].allSatisfy { !HTTPRetry.isTransient($0) })
  }
}
