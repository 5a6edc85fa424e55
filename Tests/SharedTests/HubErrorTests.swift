import Shared
import Support
import Testing

@Suite struct HubErrorTests {
  @Test("What servers and networks do is said with what to do")
  func words() throws {
    let model = try HubRepository(.model, "me/x", revision: "v1")
    let page = "https://h/me/x"
    let expected: [(HubError, String)] = [
      (.disabled(model), "The model me/x has been disabled by the Hub. |  | 2"),
      (
        .noFile(model, "a/b"),
        "The model me/x has no file a/b. | Check the path and the revision. | 2"
      ),
      (
        .forbidden(page, "No right"),
        "The token does not allow https://h/me/x: No right. | "
          + "Set HF_TOKEN to a token with that right. | 2"
      ),
      (
        .forbidden(page, nil),
        "The token does not allow https://h/me/x. | Set HF_TOKEN to a token with that right. | 2"
      ),
      (
        .untrusted("https://h", "SSL certificate problem"),
        "https://h cannot be trusted: SSL certificate problem. | Set REQUESTS_CA_BUNDLE to the "
          + "certificates of your network, if it has its own. | 1"
      ),
      (
        .unreachable("https://h", "no route"),
        "https://h cannot be reached: no route. | "
          + "Check the network, and HTTPS_PROXY and HF_ENDPOINT where they are set. | 1"
      ),
      (
        .refused(page, 429, nil),
        "https://h/me/x was answered with status 429. | "
          + "Wait some minutes; with HF_TOKEN set the Hub allows more. | 1"
      ),
      (
        .refused(page, 502, "Bad Gateway"),
        "https://h/me/x was answered with status 502: Bad Gateway. | Try again later. | 1"
      ),
      (.refused(page, 400, nil), "https://h/me/x was answered with status 400. |  | 1"),
      (
        .listing(model, "it is no JSON"),
        "The Hub's list of the files of me/x is refused: it is no JSON. |  | 2"
      ),
    ]
    for (error, words) in expected { #expect(failure { throw error } == words) }
  }
}
