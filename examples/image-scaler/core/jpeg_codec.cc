// SPDX-License-Identifier: Apache-2.0

#include "jpeg_codec.h"

#include <jpeglib.h>
#include <jerror.h>

#include <csetjmp>
#include <cstdlib>

#include "orientation.h"

namespace gust::scaler {
namespace {

// libjpeg's error manager with a place to jump to. `first` so that the library's pointer is ours too.
struct ErrorManager {
  jpeg_error_mgr first;
  std::jmp_buf jump;
  char message[JMSG_LENGTH_MAX];
  Errc code;
};

ErrorManager& manager(j_common_ptr info) { return *reinterpret_cast<ErrorManager*>(info->err); }

[[noreturn]] void leave(j_common_ptr info, Errc code) {
  ErrorManager& errors = manager(info);
  info->err->format_message(info, errors.message);
  errors.code = code;
  std::longjmp(errors.jump, 1);
}

void on_error(j_common_ptr info) {
  switch (info->err->msg_code) {
    case JERR_NO_BACKING_STORE:
    case JERR_OUT_OF_MEMORY:
    case JERR_IMAGE_TOO_BIG:
    case JERR_WIDTH_OVERFLOW:
      leave(info, Errc::TooLarge);
    case JERR_NO_SOI:
    case JERR_SOF_UNSUPPORTED:
    case JERR_BAD_PRECISION:
    case JERR_CONVERSION_NOTIMPL:
    case JERR_COMPONENT_COUNT:
      leave(info, Errc::Unsupported);
    default:
      leave(info, Errc::Invalid);
  }
}

// Warnings: a file that ends early would come out half grey, so it is an error; the rest is repaired by the library.
void on_message(j_common_ptr info, int level) {
  if (level >= 0) return;
  ++info->err->num_warnings;
  if (info->err->msg_code == JWRN_JPEG_EOF || info->err->msg_code == JWRN_HIT_MARKER) leave(info, Errc::Invalid);
}

void on_output(j_common_ptr) {}

void prepare(ErrorManager& errors) {
  jpeg_std_error(&errors.first);
  errors.first.error_exit = on_error;
  errors.first.emit_message = on_message;
  errors.first.output_message = on_output;
  errors.message[0] = 0;
  errors.code = Errc::Invalid;
}

Failure failure(const ErrorManager& errors) { return fail(errors.code, std::string("JPEG: ") + errors.message); }

struct Progress {
  jpeg_progress_mgr first;
  int scans;
};

// A small file can hold thousands of scans over a huge picture; each costs a pass.
void on_progress(j_common_ptr info) {
  if (!info->is_decompressor) return;
  auto* decompress = reinterpret_cast<j_decompress_ptr>(info);
  if (decompress->input_scan_number <= reinterpret_cast<Progress*>(info->progress)->scans) return;
  ERREXIT(info, JERR_IMAGE_TOO_BIG);
}

}  // namespace

struct Decoder::State {
  jpeg_decompress_struct info{};
  ErrorManager errors;
  Progress progress{};
  int orientation = 1;
  bool made = false;

  void read_orientation() {
    for (jpeg_saved_marker_ptr m = info.marker_list; m; m = m->next) {
      if (m->marker != JPEG_APP0 + 1) continue;
      int found = exif_orientation({reinterpret_cast<const char*>(m->data), m->data_length});
      if (found != 1) {
        orientation = found;
        return;
      }
    }
  }
};

Decoder::Decoder() : state_(std::make_unique<State>()) { prepare(state_->errors); }

Decoder::~Decoder() {
  if (state_->made) jpeg_destroy_decompress(&state_->info);
}

Size Decoder::size() const { return {state_->info.image_width, state_->info.image_height}; }
int Decoder::orientation() const { return state_->orientation; }
bool Decoder::progressive() const { return jpeg_has_multiple_scans(&state_->info); }
bool Decoder::grey() const { return state_->info.jpeg_color_space == JCS_GRAYSCALE; }

Result<> Decoder::open(std::string_view jpeg, const Limits& limits) {
  if (jpeg.size() > limits.bytes) {
    return fail(Errc::TooLarge,
                "the upload has " + std::to_string(jpeg.size()) + " bytes, " + std::to_string(limits.bytes) + " are allowed");
  }
  if (!jpeg.starts_with("\xff\xd8\xff")) return fail(Errc::Unsupported, "not a JPEG (only JPEG is scaled)");
  State& s = *state_;
  s.info.err = &s.errors.first;
  if (setjmp(s.errors.jump)) return failure(s.errors);
  jpeg_create_decompress(&s.info);
  s.made = true;
  s.info.mem->max_memory_to_use = static_cast<long>(limits.memory);
  s.progress.first.progress_monitor = on_progress;
  s.progress.scans = static_cast<int>(limits.scans);
  s.info.progress = &s.progress.first;
  jpeg_mem_src(&s.info, reinterpret_cast<const unsigned char*>(jpeg.data()), jpeg.size());
  jpeg_save_markers(&s.info, JPEG_APP0 + 1, 0xffff);
  jpeg_read_header(&s.info, TRUE);
  s.read_orientation();
  if (s.info.jpeg_color_space == JCS_CMYK || s.info.jpeg_color_space == JCS_YCCK || s.info.num_components == 4) {
    return fail(Errc::Unsupported, "a CMYK JPEG: convert it to RGB first");
  }
  uint64_t pixels = uint64_t{s.info.image_width} * s.info.image_height;
  if (pixels > limits.pixels) {
    return fail(Errc::TooLarge,
                "the picture has " + std::to_string(pixels) + " pixels, " + std::to_string(limits.pixels) + " are allowed");
  }
  return {};
}

Result<Size> Decoder::start(Size least) {
  State& s = *state_;
  if (setjmp(s.errors.jump)) return failure(s.errors);
  s.info.scale_denom = 8;
  s.info.out_color_space = JCS_EXT_RGBX;
  for (unsigned m = 1; m <= 8; ++m) {
    s.info.scale_num = m;
    jpeg_calc_output_dimensions(&s.info);
    if (s.info.output_width >= least.width && s.info.output_height >= least.height) break;
  }
  jpeg_start_decompress(&s.info);
  return Size{s.info.output_width, s.info.output_height};
}

Result<> Decoder::read_row(uint32_t* row) {
  State& s = *state_;
  if (setjmp(s.errors.jump)) return failure(s.errors);
  JSAMPROW to = reinterpret_cast<JSAMPROW>(row);
  jpeg_read_scanlines(&s.info, &to, 1);
  return {};
}

Result<> Decoder::finish() {
  State& s = *state_;
  if (setjmp(s.errors.jump)) return failure(s.errors);
  jpeg_finish_decompress(&s.info);
  return {};
}

Result<std::string> encode(const Pixels& pixels, const Crop& crop, const EncodeOptions& options) {
  struct State {
    jpeg_compress_struct info;
    ErrorManager errors;
    unsigned char* bytes;
    unsigned long size;
  } s{};  // trivial on purpose: nothing to destroy when the library jumps
  prepare(s.errors);
  s.info.err = &s.errors.first;
  if (setjmp(s.errors.jump)) {
    jpeg_destroy_compress(&s.info);
    std::free(s.bytes);
    return failure(s.errors);
  }
  jpeg_create_compress(&s.info);
  jpeg_mem_dest(&s.info, &s.bytes, &s.size);
  s.info.image_width = crop.size.width;
  s.info.image_height = crop.size.height;
  s.info.input_components = 4;
  s.info.in_color_space = JCS_EXT_RGBX;
  jpeg_set_defaults(&s.info);
  if (options.colour == Colour::Grey) jpeg_set_colorspace(&s.info, JCS_GRAYSCALE);
  jpeg_set_quality(&s.info, options.quality, TRUE);
  if (options.progressive) jpeg_simple_progression(&s.info);
  jpeg_start_compress(&s.info, TRUE);
  if (!options.exif.empty()) {
    jpeg_write_marker(&s.info, JPEG_APP0 + 1, reinterpret_cast<const JOCTET*>(options.exif.data()),
                      static_cast<unsigned>(options.exif.size()));
  }
  while (s.info.next_scanline < s.info.image_height) {
    JSAMPROW row = reinterpret_cast<JSAMPROW>(const_cast<uint32_t*>(pixels.row(crop.y + s.info.next_scanline) + crop.x));
    jpeg_write_scanlines(&s.info, &row, 1);
  }
  jpeg_finish_compress(&s.info);
  jpeg_destroy_compress(&s.info);
  std::string out(reinterpret_cast<char*>(s.bytes), s.size);
  std::free(s.bytes);
  return out;
}

}  // namespace gust::scaler
