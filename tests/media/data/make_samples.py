"""Makes the sample pictures of this folder: one of each kind that people have, and what it should look like.

    python3 -m venv venv && venv/bin/pip install numpy pillow pillow-heif opencv-python-headless
    venv/bin/python make_samples.py

`kind.ext` is the picture, `kind.ext.expected.png` the same as plain 8-bit RGB, from Pillow or from the definition of
the format, in any case not from the library under test. Last made with Pillow 13.0.
"""

import io
import math
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pillow_heif
from PIL import Image

pillow_heif.register_heif_opener()

HERE = Path(__file__).parent
H, W = 32, 48


def test_image(height, width, k):
    """tests/support/test_image.h"""
    y, x = np.mgrid[0:height, 0:width].astype(float)
    planes = []
    for phase in (0, 2.1, 4.2):
        p = phase + k
        v = 0.5 + 0.25 * np.sin(2 * math.pi * (3 * x / width + 2 * y / height) + p)
        planes.append(v + 0.2 * np.cos(2 * math.pi * (5 * x / width - 7 * y / height) + 2 * p))
    return np.clip(np.floor(255 * np.stack(planes, -1) + 0.5), 0, 255).astype(np.uint8)


RGB = test_image(H, W, 9)
GREY = RGB[..., 0]
# From opaque on the left to clear on the right, with a hard edge.
ALPHA = np.tile(np.linspace(255, 0, W).round().astype(np.uint8), (H, 1))
ALPHA[: H // 4] = 0


def expect(name, rgb):
    Image.fromarray(np.ascontiguousarray(rgb, np.uint8)).save(HERE / f"{name}.expected.png", optimize=True)


def on_white(colour, alpha, peak=255):
    a = alpha.astype(float)[..., None]
    return np.floor((colour * a + peak * (peak - a)) / peak * 255 / peak + 0.5)


def as_rgb(grey):
    return np.repeat(grey[..., None], 3, axis=2)


def pillow_says(name):
    expect(name, np.asarray(Image.open(HERE / name).convert("RGB")))


def pngs():
    Image.fromarray(RGB).save(HERE / "rgb.png")
    Image.fromarray(np.dstack([RGB, ALPHA])).save(HERE / "rgba.png")
    expect("rgba.png", on_white(RGB, ALPHA))
    Image.fromarray(np.dstack([GREY, ALPHA])).save(HERE / "grey_alpha.png")
    expect("grey_alpha.png", on_white(as_rgb(GREY), ALPHA))
    Image.fromarray(GREY).save(HERE / "grey.png")
    expect("grey.png", as_rgb(GREY))
    bits = Image.fromarray(GREY).convert("1")
    bits.save(HERE / "grey_1_bit.png")
    expect("grey_1_bit.png", np.asarray(bits.convert("RGB")))
    Image.fromarray(GREY).save(HERE / "grey_key.png", transparency=int(GREY[5, 5]))
    expect("grey_key.png", as_rgb(np.where(GREY == GREY[5, 5], 255, GREY)))

    palette = Image.fromarray(RGB).quantize(16, dither=Image.Dither.NONE)
    palette.save(HERE / "palette.png")
    pillow_says("palette.png")
    alphas = bytes(range(0, 256, 17))
    palette.save(HERE / "palette_alpha.png", transparency=alphas)
    index = np.asarray(palette)
    expect("palette_alpha.png", on_white(np.asarray(palette.convert("RGB")), np.frombuffer(alphas, np.uint8)[index]))

    deep = RGB.astype(np.uint16) * 257 + np.arange(W, dtype=np.uint16)[None, :, None] - 24
    deep[RGB == 0], deep[RGB == 255] = 0, 65535
    deep_alpha = ALPHA.astype(np.uint16) * 257
    cv2.imwrite(str(HERE / "rgb_16_bit.png"), deep[..., ::-1])
    expect("rgb_16_bit.png", np.floor(deep / 257 + 0.5))
    cv2.imwrite(str(HERE / "rgba_16_bit.png"), np.dstack([deep[..., ::-1], deep_alpha]))
    expect("rgba_16_bit.png", on_white(deep.astype(float), deep_alpha, 65535))
    cv2.imwrite(str(HERE / "grey_16_bit.png"), deep[..., 0])
    expect("grey_16_bit.png", as_rgb(np.floor(deep[..., 0] / 257 + 0.5)))


def jpegs():
    large = Image.fromarray(test_image(67, 93, 9))
    large.save(HERE / "rgb.jpg", quality=90)
    large.save(HERE / "progressive.jpg", quality=80, progressive=True)
    Image.fromarray(GREY).save(HERE / "grey.jpg", quality=90)
    cmyk = Image.fromarray(np.dstack([RGB, GREY // 2]), "CMYK")
    cmyk.save(HERE / "cmyk_adobe.jpg", quality=95)
    for name in ("rgb.jpg", "progressive.jpg", "grey.jpg", "cmyk_adobe.jpg"):
        pillow_says(name)
    # Without Adobe's marker the samples mean ink as they stand; cv2 and Pillow cannot write that, so cut it out.
    data = (HERE / "cmyk_adobe.jpg").read_bytes()
    start = data.index(b"\xff\xee")
    size = struct.unpack(">H", data[start + 2 : start + 4])[0]
    (HERE / "cmyk_plain.jpg").write_bytes(data[:start] + data[start + 2 + size :])
    pillow_says("cmyk_plain.jpg")


def orientations():
    upright = np.zeros((H, W, 3), np.uint8)
    upright[: H // 2, : W // 2] = (220, 30, 30)
    upright[: H // 2, W // 2 :] = (30, 200, 30)
    upright[H // 2 :, : W // 2] = (30, 30, 220)
    upright[H // 2 :, W // 2 :] = (230, 220, 40)
    # How a camera that means orientation n would have stored it.
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: np.rot90(upright, 1),  # to be turned clockwise
        7: upright[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(upright, -1),
    }
    for n, pixels in stored.items():
        exif = Image.Exif()
        exif[0x0112] = n
        picture = Image.fromarray(np.ascontiguousarray(pixels))
        picture.save(HERE / f"orientation_{n}.jpg", quality=95, subsampling=0, exif=exif)
        if n in (6, 7):
            picture.save(HERE / f"orientation_{n}.png", exif=exif)
            picture.save(HERE / f"orientation_{n}.webp", lossless=True, exif=exif)
    expect("orientation", upright)


def webps():
    Image.fromarray(RGB).save(HERE / "rgb.webp", lossless=True)
    expect("rgb.webp", RGB)
    Image.fromarray(RGB).save(HERE / "lossy.webp", quality=80)
    pillow_says("lossy.webp")
    # exact: keep the colour of clear pixels, which must not show
    Image.fromarray(np.dstack([RGB, ALPHA])).save(HERE / "rgba.webp", lossless=True, exact=True)
    expect("rgba.webp", on_white(RGB, ALPHA))
    frames = [Image.fromarray(f) for f in (RGB, 255 - RGB)]
    frames[0].save(HERE / "animated.webp", save_all=True, append_images=frames[1:], lossless=True, duration=100)
    expect("animated.webp", RGB)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def empty_png(width, height):
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(64))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def too_large():
    (HERE / "claims_100000x100000.png").write_bytes(empty_png(100000, 100000))
    (HERE / "claims_16385x8.png").write_bytes(empty_png(16385, 8))
    (HERE / "claims_12000x12000.png").write_bytes(empty_png(12000, 12000))
    jpeg = bytearray((HERE / "grey.jpg").read_bytes())
    at = jpeg.index(b"\xff\xc0") + 5
    jpeg[at : at + 4] = struct.pack(">HH", 65000, 65000)
    (HERE / "claims_65000x65000.jpg").write_bytes(jpeg)
    webp = bytearray((HERE / "animated.webp").read_bytes())
    at = webp.index(b"VP8X") + 12
    webp[at : at + 6] = b"\xfe\x3f\0" * 2  # one less than the side
    (HERE / "claims_16383x16383.webp").write_bytes(webp)


def other_formats():
    picture = Image.fromarray(RGB)
    picture.save(HERE / "rgb.tif", compression="tiff_lzw")
    expect("rgb.tif", RGB)
    picture.convert("CMYK").save(HERE / "cmyk.tif")
    pillow_says("cmyk.tif")
    Image.fromarray(GREY).convert("1").save(HERE / "grey_1_bit.tif", compression="group4")
    pillow_says("grey_1_bit.tif")
    picture.quantize(16, dither=Image.Dither.NONE).save(HERE / "palette.gif")
    pillow_says("palette.gif")
    picture.save(HERE / "rgb.heic", quality=90)
    pillow_says("rgb.heic")
    picture.save(HERE / "rgb.avif", quality=90, subsampling="4:4:4")
    pillow_says("rgb.avif")
    Image.fromarray(np.dstack([RGB, ALPHA])).save(HERE / "rgba.avif", quality=100, subsampling="4:4:4")
    expect("rgba.avif", on_white(RGB, ALPHA))
    Image.fromarray(GREY.astype(np.float32)).save(HERE / "float.tif")  # refused


def xyz(*values):
    return b"XYZ \0\0\0\0" + b"".join(struct.pack(">i", round(v * 65536)) for v in values)


# A display profile of primaries and one gamma, which is all that ICC asks for.
def profile(red, green, blue, gamma=2.2):
    curve = b"curv\0\0\0\0\0\0\0\1" + struct.pack(">H", round(gamma * 256)) + b"\0\0"
    tags = [(b"desc", b"desc\0\0\0\0" + struct.pack(">I", 2) + b"P\0" + bytes(79))]
    tags += [(b"wtpt", xyz(0.9642, 1, 0.8249)), (b"rXYZ", xyz(*red)), (b"gXYZ", xyz(*green)), (b"bXYZ", xyz(*blue))]
    tags += [(name, curve) for name in (b"rTRC", b"gTRC", b"bTRC")]
    table, body, start = struct.pack(">I", len(tags)), b"", 132 + 12 * len(tags)
    for name, data in tags:
        data += bytes(-len(data) % 4)
        table += name + struct.pack(">II", start + len(body), len(data))
        body += data
    head = struct.pack(">I", 128 + len(table) + len(body)) + bytes(4) + b"\2\x10\0\0mntrRGB XYZ " + bytes(12)
    head += b"acsp" + bytes(28) + xyz(0.9642, 1, 0.8249)[8:]
    return head + bytes(128 - len(head)) + table + body


def colour_profiles():
    from PIL import ImageCms

    p3 = profile((0.51512, 0.2412, -0.00105), (0.29198, 0.69225, 0.04189), (0.1571, 0.06657, 0.78407))
    Image.fromarray(RGB).save(HERE / "p3.png", icc_profile=p3)
    to_srgb = ImageCms.profileToProfile(
        Image.open(HERE / "p3.png"), ImageCms.getOpenProfile(io.BytesIO(p3)), ImageCms.createProfile("sRGB")
    )
    expect("p3.png", np.asarray(to_srgb))
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.fromarray(RGB).save(HERE / "srgb_profile.png", icc_profile=srgb)
    Image.fromarray(RGB).save(HERE / "bad_profile.jpg", quality=95, icc_profile=b"no profile" * 20)


def small_damage():
    jpeg = (HERE / "rgb.jpg").read_bytes()
    (HERE / "no_end_marker.jpg").write_bytes(jpeg[:-2])
    png = bytearray((HERE / "rgb.png").read_bytes())
    png[png.index(b"IEND") - 5] ^= 1
    (HERE / "wrong_checksum.png").write_bytes(png)


pngs()
jpegs()
orientations()
webps()
too_large()
other_formats()
colour_profiles()
small_damage()
