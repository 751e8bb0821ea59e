"""The world that the demo model knows: toys that glide where they look, over hills under a plain sky.

Every picture is computed from a seed; there is no data set. A scene has

- a sky over one row of rolling hills, each in one hue that gets lighter towards the horizon;
- in two of five scenes a sun near the left or right border: the camera pans towards it, so that the hills scroll;
- one or two toys, each a disc, a rounded box or a rounded triangle in a strong colour, brightest in front: a toy moves
  straight towards its bright side and turns round at the border of the picture. Boxes roll the way they start.

How far things move from frame to frame is `motion_bucket_id` (how lively the scene is, per second) divided by the frame
rate, `fps_id` + 1. So the first frame and these numbers say all that will happen: nothing is left to chance, which a small
network would need a long time to learn.
"""

from dataclasses import dataclass

import numpy as np

HEIGHT, WIDTH, FRAMES = 128, 192, 14
REFERENCE_MOTION, REFERENCE_RATE = 127.0, 7.0
PIXELS_PER_FRAME = 0.75  # of every toy, at the reference motion and rate
SUN_RADIUS = 9.0  # pixels; its border is soft
SUN = np.array([1.0, 0.97, 0.8], np.float32)
SHAPES = ("disc", "box", "triangle")


@dataclass
class Toy:
    shape: str
    radius: float  # pixels
    colour: np.ndarray  # RGB in [0, 1]
    position: np.ndarray  # x, y of the centre in the first frame
    heading: float  # radians
    speed: float  # pixels per frame
    angle: float  # of the outline, radians
    spin: float  # radians per frame


@dataclass
class Scene:
    sky: np.ndarray  # [2, 3]: RGB at the top and at the horizon
    ground: np.ndarray  # [2, 3]: RGB at the horizon and at the bottom
    horizon: float  # row
    hills: np.ndarray  # [3, 2]: amplitude (pixels), waves over the width, phase, of two waves
    sun: np.ndarray | None  # x, y
    pan: float  # pixels per frame, positive to the right
    toys: list
    motion_bucket_id: int
    fps_id: int


def colour_of(hue, saturation, value):
    wheel = np.abs((hue * 6 + np.array([0.0, 4.0, 2.0])) % 6 - 3) - 1
    return value * (1 - saturation + saturation * np.clip(wheel, 0, 1))


def pixels_per_frame(motion_bucket_id, fps_id):
    return PIXELS_PER_FRAME * motion_bucket_id / REFERENCE_MOTION * REFERENCE_RATE / (fps_id + 1)


def draw_scene(rng, motion_bucket_id=None, fps_id=None):
    """A scene from a numpy Generator. Motion and frame rate are drawn too unless given."""
    drawn_motion, drawn_fps = int(rng.integers(8, 256)), int(rng.choice([4, 5, 6, 6, 6, 7, 8, 9, 11, 14]))
    motion = drawn_motion if motion_bucket_id is None else motion_bucket_id
    fps = drawn_fps if fps_id is None else fps_id
    step = pixels_per_frame(motion, fps)

    hue, earth = rng.uniform(size=2)
    sky = np.stack([colour_of(hue, 0.55, 0.8), colour_of(hue, 0.2, 0.95)])
    ground = np.stack([colour_of(earth, 0.45, 0.6), colour_of(earth, 0.45, 0.3)])
    horizon = rng.uniform(60, 100)
    hills = np.stack([rng.uniform(2, 8, 2), rng.integers(1, 4, 2), rng.uniform(0, 2 * np.pi, 2)])
    side = rng.choice([-1, 1])
    sun = np.array([WIDTH / 2 + side * rng.uniform(55, 85), rng.uniform(14, 36)]) if rng.uniform() < 0.4 else None
    pan = 0.0 if sun is None else 0.6 * step * side

    toys = []
    count = int(rng.integers(1, 3))
    first_hue = rng.uniform()
    for i in range(count):
        radius = rng.uniform(18, 28)
        for _ in range(20):  # toys start apart when there is room
            position = np.array([rng.uniform(radius, WIDTH - radius), rng.uniform(radius, HEIGHT - radius)])
            if all(np.hypot(*(position - other.position)) > radius + other.radius for other in toys):
                break
        shape = SHAPES[rng.integers(3)]
        towards = rng.uniform([0, 0], [WIDTH, HEIGHT]) - position  # so few meet the border soon
        heading = np.arctan2(towards[1], towards[0])
        spin = step * 0.02 * np.cos(heading)  # as a wheel seen from its side
        toys.append(Toy(shape, radius, colour_of(first_hue + i / 3 + rng.uniform(-0.08, 0.08), 0.9, 0.95), position, heading, step,
                        heading if shape == "triangle" else rng.uniform(0, 2 * np.pi), spin if shape == "box" else 0.0))
    return Scene(sky, ground, horizon, hills, sun, pan, toys, motion, fps)


def outline_distance(shape, radius, x, y):
    """Signed distance in pixels, negative inside, of points in the toy's own axes."""
    if shape == "disc":
        return np.hypot(x, y) - radius
    if shape == "box":
        corner = 0.35 * radius
        half = 0.8 * radius - corner
        dx, dy = np.abs(x) - half, np.abs(y) - half
        return np.hypot(np.maximum(dx, 0), np.maximum(dy, 0)) + np.minimum(np.maximum(dx, dy), 0) - corner
    # A triangle that points along x: the largest distance from its three sides, where two are alike a little more than
    # that, which rounds the corners.
    sides = [(np.cos(a), np.sin(a)) for a in (np.pi, 0.36 * np.pi, -0.36 * np.pi)]
    soft = 0.12 * radius
    return soft * np.logaddexp.reduce([(nx * x + ny * y) / soft for nx, ny in sides]) - 0.62 * radius


def positions(toy, times):
    """Centre, direction of travel at each time: straight lines, mirrored at the borders. [T, 2] each."""
    t = np.asarray(times)[:, None]
    direction = np.array([np.cos(toy.heading), np.sin(toy.heading)])
    low = np.array([toy.radius, toy.radius]) * 0.8
    span = np.array([WIDTH, HEIGHT]) - 2 * low
    unfolded = (toy.position - low + toy.speed * t * direction) / span
    phase = np.mod(unfolded, 2)
    back = phase > 1
    return low + span * np.where(back, 2 - phase, phase), np.where(back, -direction, direction)


def render(scene, times=range(FRAMES)):
    """The frames with these numbers as float32 [T, H, W, 3] in [0, 1]."""
    y = np.arange(HEIGHT, dtype=np.float32)[:, None] + 0.5
    x = np.arange(WIDTH, dtype=np.float32)[None, :] + 0.5
    up = np.clip(y / scene.horizon, 0, 1)[..., None]
    down = np.clip((y - scene.horizon) / (HEIGHT - scene.horizon), 0, 1)[..., None]
    sky = (scene.sky[0] * (1 - up) + scene.sky[1] * up).astype(np.float32)  # [H, 1, 3]
    ground = (scene.ground[0] * (1 - down) + scene.ground[1] * down).astype(np.float32)
    if scene.sun is not None:
        glow = np.clip((SUN_RADIUS + 2 - np.hypot(x - scene.sun[0], y - scene.sun[1])) / 4, 0, 1)[..., None].astype(np.float32)
        sky = sky + glow * (SUN - sky)  # [H, W, 3]
    paths = [positions(toy, times) for toy in scene.toys]

    video = np.empty((len(times), HEIGHT, WIDTH, 3), np.float32)
    for i, t in enumerate(times):
        column = (x + scene.pan * t) * (2 * np.pi / WIDTH)
        ridge = scene.horizon + sum(a * np.sin(k * column + p) for a, k, p in scene.hills.T)
        picture = sky + np.clip(y - ridge + 0.5, 0, 1)[..., None].astype(np.float32) * (ground - sky)
        for toy, (centres, directions) in zip(scene.toys, paths):
            cx, cy = centres[i]
            reach = toy.radius * 1.5 + 2
            top, bottom = int(max(cy - reach, 0)), int(min(cy + reach, HEIGHT))
            left, right = int(max(cx - reach, 0)), int(min(cx + reach, WIDTH))
            dx, dy = x[:, left:right] - np.float32(cx), y[top:bottom] - np.float32(cy)
            # A triangle points where it goes; the outline of the others has an angle of its own.
            angle = np.arctan2(directions[i][1], directions[i][0]) if toy.shape == "triangle" else toy.angle + toy.spin * t
            c, s = np.float32(np.cos(angle)), np.float32(np.sin(angle))
            inside = np.clip(0.5 - outline_distance(toy.shape, toy.radius, c * dx + s * dy, c * dy - s * dx), 0, 1)[..., None]
            front = np.clip((directions[i][0] * dx + directions[i][1] * dy) / toy.radius, -1, 1).astype(np.float32)[..., None]
            shade = 0.7 + 0.3 * front
            paint = shade * toy.colour.astype(np.float32) + np.maximum(front - 0.3, 0) * 0.5
            region = picture[top:bottom, left:right]
            region += inside * (np.clip(paint, 0, 1) - region)
        video[i] = picture
    return video


def clip_of_seed(seed, **conditions):
    scene = draw_scene(np.random.default_rng(seed), **conditions)
    return scene, render(scene)
