// SPDX-License-Identifier: Apache-2.0

// The numbers are those of AWS's documentation of chunked uploads (with and without trailing headers).

#include "gateway/aws_chunked.h"

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "crypto/hash.h"

namespace gust::gateway {
namespace {

constexpr std::string_view kChunk1 = "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648";
constexpr std::string_view kChunk2 = "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497";
constexpr std::string_view kChunk3 = "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9";
constexpr std::string_view kTrailed1 = "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2";
constexpr std::string_view kTrailed2 = "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7";
constexpr std::string_view kTrailed3 = "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992";
constexpr std::string_view kTrailer = "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435";

std::string example(std::string_view s1 = kChunk1, std::string_view s2 = kChunk2, std::string_view s3 = kChunk3) {
  std::string out = "10000;chunk-signature=" + std::string(s1) + "\r\n" + std::string(65536, 'a') + "\r\n";
  out += "400;chunk-signature=" + std::string(s2) + "\r\n" + std::string(1024, 'a') + "\r\n";
  return out + "0;chunk-signature=" + std::string(s3) + "\r\n";
}

ChunkSeal seal(std::string_view seed) {
  sigv4::Scope scope{"20130524", "us-east-1", "s3"};
  return {sigv4::signing_key("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", scope), "20130524T000000Z", scope, std::string(seed)};
}
ChunkSeal plain_seal() { return seal("4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"); }
ChunkSeal trailer_seal() { return seal("106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e"); }

struct Result {
  std::string body;
  std::string code;  // empty: decoded
  std::string trailer;
};

Result decode(ChunkedForm form, std::optional<ChunkSeal> sealed, std::string_view wire, size_t step) {
  auto encode = [](const model::ApiError& e) {
    http::Response r;
    r.status = e.status;
    r.body.bytes = e.code;
    return r;
  };
  AwsChunked filter(std::move(form), std::move(sealed), encode);
  Result out;
  auto code = [&](const Error& e) { return filter.refusal(e).body.bytes; };
  for (; !wire.empty(); wire.remove_prefix(std::min(step, wire.size()))) {
    if (auto passed = filter.decode(wire.substr(0, step), out.body); !passed) return {out.body, code(passed.error()), {}};
  }
  if (auto passed = filter.finish(); !passed) return {out.body, code(passed.error()), {}};
  for (const auto& [name, value] : filter.trailers().fields()) out.trailer += name + "=" + value;
  return out;
}

ChunkedForm signed_form(uint64_t length) { return {.is_signed = true, .decoded_length = length, .trailers = {}}; }
ChunkedForm trailer_form(uint64_t length, bool is_signed = false) {
  return {.is_signed = is_signed, .has_trailers = true, .decoded_length = length, .trailers = {"x-amz-checksum-crc32c"}};
}

TEST(AwsChunked, the_documented_example_in_pieces_of_any_size) {
  for (size_t step : {size_t{1}, size_t{3}, size_t{100}, size_t{65536}, size_t{1} << 20}) {
    Result r = decode(signed_form(66560), plain_seal(), example() + "\r\n", step);
    EXPECT_EQ(r.code, "") << step;
    EXPECT_EQ(r.body, std::string(66560, 'a'));
  }
}

TEST(AwsChunked, the_documented_example_with_a_signed_trailer) {
  std::string wire = example(kTrailed1, kTrailed2, kTrailed3) + "x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:";
  Result r = decode(trailer_form(66560, true), trailer_seal(), wire + std::string(kTrailer) + "\r\n\r\n", 1000);
  EXPECT_EQ(r.code, "");
  EXPECT_EQ(r.trailer, "x-amz-checksum-crc32c=sOO8/Q==");
  EXPECT_EQ(base64_encode(big_endian32(crc32c(r.body))), "sOO8/Q==");
  std::string flipped = std::string(kTrailer.substr(0, 63)) + "0";
  EXPECT_EQ(decode(trailer_form(66560, true), trailer_seal(), wire + flipped + "\r\n\r\n", 1000).code, "SignatureDoesNotMatch");
  EXPECT_EQ(decode(trailer_form(66560, true), std::nullopt, wire + flipped + "\r\n\r\n", 1000).code, "");  // --dev
}

TEST(AwsChunked, what_was_changed_on_the_way_is_refused) {
  std::string other(64, 'a');
  EXPECT_EQ(decode(signed_form(66560), plain_seal(), example(other) + "\r\n", 4096).code, "SignatureDoesNotMatch");
  EXPECT_EQ(decode(signed_form(66560), plain_seal(), example(kChunk1, other) + "\r\n", 4096).code, "SignatureDoesNotMatch");
  EXPECT_EQ(decode(signed_form(66560), plain_seal(), example(kChunk1, kChunk2, other) + "\r\n", 4096).code,
            "SignatureDoesNotMatch");
  std::string changed = example() + "\r\n";
  changed[1000] = 'b';
  Result r = decode(signed_form(66560), plain_seal(), changed, 4096);
  EXPECT_EQ(r.code, "SignatureDoesNotMatch");
  EXPECT_EQ(decode(signed_form(66560), std::nullopt, changed, 4096).code, "");  // --dev has no key to check with
  ChunkSeal other_seed = plain_seal();
  other_seed.seed[0] = '5';
  EXPECT_EQ(decode(signed_form(66560), other_seed, example() + "\r\n", 4096).code, "SignatureDoesNotMatch");
}

TEST(AwsChunked, forms_that_are_none) {
  const std::string good = "5\r\nhello\r\n0\r\nx-amz-checksum-crc32c:mnG7TA==\r\n\r\n";
  EXPECT_EQ(decode(trailer_form(5), std::nullopt, good, 1).code, "");  // the control
  struct Case {
    const char* what;
    std::string wire;
    const char* code;
    uint64_t length = 5;
  };
  const std::string t = "x-amz-checksum-crc32c:mnG7TA==\r\n";
  for (const Case& c : {
           Case{"nothing", "", "IncompleteBody"},
           Case{"cut in the data", "5\r\nhel", "IncompleteBody"},
           Case{"cut before the end", "5\r\nhello\r\n", "IncompleteBody"},
           Case{"cut in the trailers", "5\r\nhello\r\n0\r\n" + t, "IncompleteBody"},
           Case{"shorter than said", "4\r\nhell\r\n0\r\n" + t + "\r\n", "IncompleteBody"},
           Case{"longer than said", "6\r\nhello!\r\n0\r\n" + t + "\r\n", "IncompleteBody"},
           Case{"more behind", good + "x", "IncompleteBody"},
           Case{"no size", "\r\nhello\r\n0\r\n", "IncompleteBody"},
           Case{"no number", "5x\r\nhello\r\n0\r\n", "IncompleteBody"},
           Case{"negative", "-5\r\nhello\r\n0\r\n", "IncompleteBody"},
           Case{"beyond 64 bits", "10000000000000005\r\nhello\r\n0\r\n", "IncompleteBody"},
           Case{"all of 64 bits", "ffffffffffffffff\r\nhello\r\n0\r\n", "IncompleteBody"},
           Case{"an extension", "5;a=b\r\nhello\r\n0\r\n" + t + "\r\n", "IncompleteBody"},
           Case{"bare line feeds", "5\nhello\n0\n" + t + "\n", "IncompleteBody"},
           Case{"data longer than its chunk", "5\r\nhello!\r\n0\r\n" + t + "\r\n", "IncompleteBody"},
           Case{"an endless size", std::string(200, '0') + "5\r\nhello\r\n0\r\n" + t + "\r\n", "IncompleteBody"},
           Case{"small chunks", "2\r\nhe\r\n3\r\nllo\r\n0\r\n" + t + "\r\n", "InvalidChunkSizeError"},
           Case{"no trailer", "5\r\nhello\r\n0\r\n\r\n", "MalformedTrailerError"},
           Case{"another trailer", "5\r\nhello\r\n0\r\nx-amz-meta-a:b\r\n\r\n", "MalformedTrailerError"},
           Case{"a second trailer", "5\r\nhello\r\n0\r\n" + t + "x-amz-checksum-crc32:AAAAAA==\r\n\r\n", "MalformedTrailerError"},
           Case{"the same trailer twice", "5\r\nhello\r\n0\r\n" + t + t + "\r\n", "MalformedTrailerError"},
           Case{"a trailer without a colon", "5\r\nhello\r\n0\r\nx-amz-checksum-crc32c\r\n\r\n", "MalformedTrailerError"},
           Case{"an endless trailer", "5\r\nhello\r\n0\r\n" + std::string(9000, 'x'), "MalformedTrailerError"},
           Case{"a signature nobody announced", "5\r\nhello\r\n0\r\n" + t + "x-amz-trailer-signature:aa\r\n\r\n",
                "MalformedTrailerError"},
       }) {
    for (size_t step : {size_t{1}, size_t{1000}}) {
      EXPECT_EQ(decode(trailer_form(c.length), std::nullopt, c.wire, step).code, c.code) << c.what;
    }
  }
}

TEST(AwsChunked, signatures_must_be_there_even_where_nobody_can_check_them) {
  EXPECT_EQ(decode(signed_form(5), std::nullopt, "5\r\nhello\r\n0\r\n\r\n", 100).code, "IncompleteBody");
  std::string s = ";chunk-signature=" + std::string(64, 'a') + "\r\n";
  EXPECT_EQ(decode(signed_form(5), std::nullopt, "5" + s + "hello\r\n0" + s + "\r\n", 100).code, "");
  EXPECT_EQ(decode(signed_form(5), std::nullopt, "5" + s + "hello\r\n0" + s + "x-amz-checksum-crc32:AAAAAA==\r\n\r\n", 100).code,
            "IncompleteBody");  // no trailers in this mode
}

TEST(AwsChunked, an_empty_object_and_a_small_last_chunk) {
  ChunkedForm empty{.has_trailers = true, .decoded_length = 0, .trailers = {}};
  EXPECT_EQ(decode(empty, std::nullopt, "0\r\n\r\n", 1).code, "");
  ChunkedForm two{.has_trailers = true, .decoded_length = 8193, .trailers = {}};
  EXPECT_EQ(decode(two, std::nullopt, "2000\r\n" + std::string(8192, 'x') + "\r\n1\r\nx\r\n0\r\n\r\n", 100).code, "");
}

TEST(AwsChunked, the_longest_encoded_form_is_within_the_limit) {
  std::string signature = ";chunk-signature=" + std::string(64, 'a') + "\r\n";
  std::string wire;
  for (int i = 0; i < 100; ++i) wire += "00000000002000" + signature + std::string(8192, 'x') + "\r\n";
  wire += "1" + signature + "x\r\n0" + signature + "\r\n";
  EXPECT_LE(wire.size(), signed_form(819201).wire_limit());
  EXPECT_EQ(decode(signed_form(819201), std::nullopt, wire, 4096).code, "");
}

// ---- what the head says

http::Headers headers(std::initializer_list<std::pair<const char*, const char*>> fields) {
  http::Headers out;
  for (auto [name, value] : fields) out.add(name, value);
  return out;
}

std::string code_of(const http::Headers& h) {
  auto form = chunked_form(h);
  return form ? (*form ? "chunked" : "plain") : form.error().code;
}

TEST(AwsChunked, the_mode_is_in_the_content_hash) {
  EXPECT_EQ(code_of(headers({})), "plain");
  EXPECT_EQ(code_of(headers({{"x-amz-content-sha256", "UNSIGNED-PAYLOAD"}, {"x-amz-decoded-content-length", "5"}})), "plain");
  auto signed_trailer = chunked_form(headers({{"x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"},
                                              {"x-amz-decoded-content-length", "5"},
                                              {"x-amz-trailer", "X-Amz-Checksum-CRC32"}}));
  ASSERT_TRUE(signed_trailer && *signed_trailer);
  EXPECT_TRUE((*signed_trailer)->is_signed && (*signed_trailer)->has_trailers);
  EXPECT_EQ((*signed_trailer)->trailers.at(0), "x-amz-checksum-crc32");
  struct Case {
    const char *mode, *length, *trailer, *code;
  };
  for (const Case& c :
       {Case{"STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "5", "", "chunked"},
        Case{"STREAMING-UNSIGNED-PAYLOAD-TRAILER", "5", "", "chunked"},
        Case{"STREAMING-UNSIGNED-PAYLOAD-TRAILER", "-5", "", "InvalidArgument"},
        Case{"STREAMING-UNSIGNED-PAYLOAD-TRAILER", "18446744073709551615", "", "InvalidArgument"},
        Case{"STREAMING-UNSIGNED-PAYLOAD-TRAILER", "5", "x-amz-meta-a", "InvalidRequest"},
        Case{"STREAMING-UNSIGNED-PAYLOAD-TRAILER", "5", "x-amz-checksum-crc32, x-amz-checksum-sha1", "InvalidRequest"},
        Case{"STREAMING-UNSIGNED-PAYLOAD-TRAILER", "5", "x-amz-checksum-xxhash64", "NotImplemented"},
        Case{"STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD", "5", "", "NotImplemented"},
        Case{"STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER", "5", "", "NotImplemented"},
        Case{"STREAMING-SOMETHING", "5", "", "InvalidArgument"}}) {
    EXPECT_EQ(code_of(headers(
                  {{"x-amz-content-sha256", c.mode}, {"x-amz-decoded-content-length", c.length}, {"x-amz-trailer", c.trailer}})),
              c.code)
        << c.mode;
  }
  EXPECT_EQ(code_of(headers({{"x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"}})), "MissingContentLength");
}

TEST(AwsChunked, the_encoding_that_the_object_keeps) {
  EXPECT_EQ(without_aws_chunked("aws-chunked"), "");
  EXPECT_EQ(without_aws_chunked("gzip, AWS-Chunked"), "gzip");
  EXPECT_EQ(without_aws_chunked("aws-chunked,gzip,br"), "gzip,br");
  EXPECT_EQ(without_aws_chunked("gzip"), "gzip");
}

}  // namespace
}  // namespace gust::gateway
