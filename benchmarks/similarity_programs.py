"""Programs that write EXR files: their layers, and the attributes that they write.

Attribute names and the looks of their values are those of real headers. `fixed` is what all frames of a
setup share, `varying` what no two frames share: frame numbers, dates, hosts, seeds, statistics, matrices.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from benchmarks.similarity_farms import Attributes, host

Layers = dict[str, dict[str, str]]
"""Layer ("" for none) -> component -> pixel type."""

RGB = dict.fromkeys("RGB", "half")
RGBA = dict.fromkeys("RGBA", "half")
LONG_RGB = dict.fromkeys(("red", "green", "blue"), "half")
LOWER_RGB = dict.fromkeys("rgb", "half")
XYZ = dict.fromkeys("XYZ", "float")
LOWER_XYZ = dict.fromkeys("xyz", "float")
DEPTH = {"Z": "float"}
UV = dict.fromkeys("uv", "half")


def layers(names: str, components: dict[str, str]) -> Layers:
    return dict.fromkeys(names.split(), components)


def crypto(names: str, components: str = "RGBA") -> Layers:
    ranked = (f"{name}{rank:02}" for name in names.split() for rank in range(3))
    return layers(" ".join(ranked), dict.fromkeys(components, "float"))


@dataclass(frozen=True)
class Program:
    """A renderer, compositor or camera. `fixed` takes (version, quality), `varying` (frame, random)."""

    software: str
    """What the document calls it, before its version."""
    software_source: str
    """The attribute that names it."""
    purposes: dict[str, Layers]
    fixed: Callable[[str, int], Attributes]
    varying: Callable[[int, Random], Attributes]


def matrix(random: Random) -> tuple[float, ...]:
    return tuple(random.uniform(-1, 1) for _ in range(16))


def clock(random: Random) -> str:
    return f"{random.randrange(24):02}:{random.randrange(60):02}:{random.randrange(60):02}"


def day(random: Random) -> str:
    return f"2026:{random.randrange(1, 13):02}:{random.randrange(1, 29):02}"


ARNOLD = Program(
    "Arnold",
    "software",
    {
        "beauty": {"": RGBA},
        "lighting": layers(
            "diffuse_direct diffuse_indirect specular_direct specular_indirect transmission sss emission "
            "coat volume",
            RGB,
        ),
        "utility": {"": RGBA | DEPTH, "N": XYZ, "P": XYZ, "motionvector": XYZ, "albedo": RGB},
        "crypto": crypto("crypto_asset crypto_object crypto_material", "RGBA"),
        "lights": layers("RGBA_key RGBA_fill RGBA_rim RGBA_sky", RGB),
    },
    fixed=lambda version, quality: {
        "software": f"Arnold {version} [c9b9f5a8] linux clang-15.0.7 oiio-2.4.1 osl-1.12.9",
        "arnold/version": version,
        "arnold/AA_samples": quality,
        "arnold/diffuse_samples": 2,
        "arnold/specular_samples": 2,
        "arnold/transmission_samples": 2,
        "arnold/sss_samples": 3,
        "arnold/volume_samples": 2,
        "arnold/GI_diffuse_depth": 2,
        "arnold/GI_specular_depth": 2,
        "arnold/GI_total_depth": 10,
        "arnold/camera/near_clip": 0.1,
        "arnold/camera/far_clip": 10000.0,
        "arnold/host/hw": "AMD EPYC 7763 64-Core",
        "CameraFilmApertureHorizontal": 24.892,
        "CameraFilmApertureVertical": 18.669,
    },
    varying=lambda frame, random: {
        "arnold/AA_seed": frame,
        "arnold/host/name": host(random),
        "arnold/stats/date": f"Mon Oct {random.randrange(1, 28)} {clock(random)} 2026",
        "arnold/stats/geo/curve_segments": float(random.randrange(10**6)),
        "arnold/stats/geo/triangles": float(random.randrange(10**7)),
        "arnold/stats/memory/peak": random.uniform(900, 90000),
        "arnold/stats/rays/camera/total": random.uniform(1e6, 1e9),
        "arnold/stats/time/render": random.uniform(10, 9000),
        "CameraFocalLength": 35 + frame % 7 * 0.1,
        "worldToCamera": matrix(random),
        "worldToNDC": matrix(random),
    },
)

VRAY = Program(
    "Version of V-Ray for Maya",
    "vrayInfo/vrayversion",
    {
        "beauty": {"": RGBA},
        "lighting": layers(
            "GI lighting reflect refract specular SSS selfIllum rawGI rawLight atmosphere", RGB
        ),
        "utility": {"": RGBA | DEPTH, "normals": XYZ, "velocity": XYZ, "diffuse": RGB, "zDepth": RGB},
        "crypto": crypto("cryptomatte"),
        "lights": layers("lightSelect_key lightSelect_fill lightSelect_dome multimatte_1 multimatte_2", RGB),
    },
    fixed=lambda version, quality: {
        "vrayInfo/vrayversion": f"Version of V-Ray for Maya {version}",
        "vrayInfo/vraycore": version,
        "vrayInfo/camera": "renderCam",
        "vrayInfo/renderlayer": "rs_beauty",
        "vrayInfo/w": "1920",
        "vrayInfo/h": "1080",
        "vrayInfo/numPasses": str(quality),
        "cameraProjection": 0,
        "cameraAperture": 36.0,
        "cameraFNumber": 8.0,
        "cameraFarClip": 1e30,
        "cameraNearClip": 0.0,
    },
    varying=lambda frame, random: {
        "vrayInfo/computername": host(random),
        "vrayInfo/cpu": f"INTEL/Model:{random.randrange(9)},Family:6,Stepping:2,Cache:0",
        "vrayInfo/os": f"Microsoft(tm) Windows(tm), version {random.choice(['6.1', '6.2'])}, ",
        "vrayInfo/mhz": "0MHz",
        "vrayInfo/date": f"2026/Oct/{random.randrange(1, 29)}",
        "vrayInfo/time": clock(random),
        "vrayInfo/frame": f"{frame:05}",
        "vrayInfo/filename": f"S:/jobs/{host(random)}/scenes/light_v{random.randrange(9):02}.vrscene",
        "vrayInfo/scenename": f"light_v{random.randrange(9):02}",
        "vrayInfo/primitives": str(random.randrange(10**8)),
        "vrayInfo/peakMemory": f"{random.uniform(10, 60000):.2f} MiB",
        "vrayInfo/ram": f"{random.choice([65440, 131072])}MB",
        "vrayInfo/vmem": "134217728MB",
        "vrayInfo/rendertime": f" 0h {random.randrange(60)}m {random.uniform(0, 60):.1f}s",
        "cameraFocalLength": random.uniform(34, 36),
        "cameraFov": random.uniform(26, 27),
        "cameraTargetDistance": random.uniform(50, 60),
        "cameraTransform": matrix(random),
    },
)

RENDERMAN = Program(
    "RenderMan",
    "Software",
    {
        "beauty": {"": RGBA},
        "lighting": layers(
            "directDiffuse indirectDiffuse directSpecular indirectSpecular subsurface transmissive emissive",
            LOWER_RGB,
        ),
        "utility": {
            "": RGBA | DEPTH,
            "Nn": LOWER_XYZ,
            "__Pworld": LOWER_XYZ,
            "dPdtime": LOWER_XYZ,
            "albedo": LOWER_RGB,
        },
        "crypto": crypto("MatteID", "rgba"),
        "lights": layers("LG_key LG_fill LG_env LG_practical", LOWER_RGB),
    },
    fixed=lambda version, quality: {
        "Software": f"RenderMan {version}",
        "rman/integrator": "PxrPathTracer",
        "rman/maxsamples": quality * 128,
        "rman/pixelfilter": "gaussian",
        "rman/bucketorder": "spiral",
        "comments": "final quality",
    },
    varying=lambda frame, random: {
        "capDate": f"{day(random)} {clock(random)}",
        "rman/seed": frame,
        "rman/frame": frame,
        "rman/statistics/rss": random.uniform(1e3, 1e5),
        "rman/elapsedtime": random.uniform(10, 9000),
        "PixarRenderHost": host(random),
        "worldToCamera": matrix(random),
        "worldToNDC": matrix(random),
    },
)

REDSHIFT = Program(
    "Redshift",
    "rs/version",
    {
        "beauty": {"": RGBA},
        "lighting": layers(
            "DiffuseLighting GlobalIllumination SpecularLighting Reflections Refractions SubSurfaceScatter "
            "Emission Caustics",
            RGB,
        ),
        "utility": {"": RGBA, "Depth": DEPTH, "Normals": XYZ, "MotionVectors": RGB, "DiffuseFilter": RGB},
        "crypto": crypto("Cryptomatte"),
        "lights": layers("Beauty_Key Beauty_Fill Beauty_Dome PuzzleMatte1 PuzzleMatte2", RGB),
    },
    fixed=lambda version, quality: {
        "rs/version": version,
        "rs/camera/nearPlane": 0.01,
        "rs/camera/farPlane": 10000.0,
        "rs/camera/aspect": 1.7777,
        "rs/camera/aperture": (36.0, 20.25),
        "rs/camera/shift": (0.0, 0.0),
        "rs/camera/cdm2": 7500.0,
        "rs/camera/shutterRatio": 0.5,
        "rs/camera/FStop": 8.0,
        "rs/camera/whitepoint": (1.0, 1.0),
        "rs/quality": quality,
    },
    varying=lambda _, random: {
        "rs/hostname": host(random),
        "rs/camera/fov": random.uniform(0.9, 0.91),
        "rs/camera/DOFFocusDistance": random.uniform(10, 20),
        "rs/camera/transform": matrix(random),
    },
)

KARMA = Program(
    "Houdini",
    "software",
    {
        "beauty": {"": RGBA},
        "lighting": layers(
            "combineddiffuse combinedglossyreflection combinedglossytransmission combinedemission sss "
            "combinedvolume directdiffuse indirectdiffuse coat",
            LOWER_RGB,
        ),
        "utility": {
            "": RGBA,
            "depth": DEPTH,
            "N": LOWER_XYZ,
            "P": LOWER_XYZ,
            "motionvectors": LOWER_XYZ,
            "primid": {"Y": "float"},
        },
        "crypto": crypto("CryptoMaterial CryptoObject", "rgba"),
        "lights": layers("beauty_key beauty_fill beauty_dome", LOWER_RGB),
    },
    fixed=lambda version, quality: {
        "software": f"Houdini {version}",
        "husk:renderer": "BRAY_HdKarma",
        "husk:samplesperpixel": quality * 16,
        "husk:engine": "xpu",
        "owner": "lighting",
    },
    varying=lambda frame, random: {
        "husk:render_stats": json.dumps({"worldToNDC": matrix(random), "rays": random.randrange(10**9)}),
        "husk:usd_file": f"/jobs/{host(random)}/usd/shot.{frame}.usd",
        "husk:command": f"husk -f {frame} -n 1",
        "hostComputer": host(random),
        "capDate": f"{day(random)} {clock(random)}",
        "renderTime": f"{random.randrange(60)}m {random.uniform(0, 60):.2f}s",
        "renderMemory": f"{random.uniform(1, 60):.2f} GB",
        "space:world": matrix(random),
        "worldToCamera": matrix(random),
        "worldToNDC": matrix(random),
    },
)

BLENDER = Program(
    "Blender",
    "Software",
    {
        "beauty": layers("ViewLayer.Combined", RGBA),
        "lighting": layers(
            "ViewLayer.DiffDir ViewLayer.DiffInd ViewLayer.DiffCol ViewLayer.GlossDir ViewLayer.GlossInd "
            "ViewLayer.GlossCol ViewLayer.TransDir ViewLayer.Emit ViewLayer.Env",
            RGB,
        ),
        "utility": {
            "ViewLayer.Depth": DEPTH,
            "ViewLayer.Normal": XYZ,
            "ViewLayer.Vector": dict.fromkeys("XYZW", "float"),
        },
        "crypto": crypto("ViewLayer.CryptoObject ViewLayer.CryptoMaterial", "rgba"),
        "lights": layers("ViewLayer.Combined_Key ViewLayer.Combined_Fill ViewLayer.AO", RGB),
    },
    fixed=lambda version, quality: {
        "BlenderMultiChannel": "Blender V2.55.1 and newer",
        "Software": f"Blender {version}",
        "Camera": "Camera.001",
        "Scene": "Scene",
        "cycles.ViewLayer.samples": str(quality * 128),
        "xDensity": 72.0,
    },
    varying=lambda frame, random: {
        "Date": f"{day(random).replace(':', '/')} {clock(random)}",
        "Time": f"00:00:{frame // 24 % 60:02}:{frame % 24:02}",
        "Frame": str(frame),
        "File": "/projects/light.blend",
        "RenderTime": f"{random.randrange(60):02}:{random.uniform(0, 60):05.2f}",
        "cycles.ViewLayer.total_time": f"{random.randrange(60):02}:{random.uniform(0, 60):05.2f}",
        "cycles.ViewLayer.render_time": f"{random.randrange(60):02}:{random.uniform(0, 60):05.2f}",
        "cycles.ViewLayer.synchronization_time": f"00:{random.uniform(0, 9):05.2f}",
    },
)

NUKE = Program(
    "Nuke",
    "nuke/version",
    {
        "beauty": {"": RGBA},
        "lighting": layers("diffuse specular shadow grain", LONG_RGB),
        "utility": {"": RGBA, "depth": DEPTH, "forward": UV, "mask": {"a": "half"}},
        "crypto": layers("matte1 matte2 matte3", dict.fromkeys(("red", "green", "blue", "alpha"), "half")),
        "lights": layers("key fill bounce", LONG_RGB),
    },
    fixed=lambda version, quality: {
        "nuke/version": version,
        "nuke/full_layer_names": 0,
        "nuke/input/filereader": "exr",
        "nuke/input/bitsperchannel": "16-bit half float",
        "nuke/input/width": quality * 480,
    },
    varying=lambda frame, random: {
        "nuke/node_hash": f"{random.getrandbits(64):x}",
        "nuke/input/ctime": f"{day(random).replace(':', '-')} {clock(random)}",
        "nuke/input/mtime": f"{day(random).replace(':', '-')} {clock(random)}",
        "nuke/input/filename": f"/jobs/plates/plate.{frame}.exr",
        "nuke/input/frame": frame,
        "nuke/input/timecode": f"01:00:{frame // 24 % 60:02}:{frame % 24:02}",
    },
)

CAMERA = Program(
    "ARRI Reference Tool",
    "software",
    {"beauty": {"": RGB}, "lighting": {}, "utility": {}, "crypto": {}, "lights": {"": {"A": "half"}}},
    fixed=lambda version, quality: {
        "software": f"ARRI Reference Tool {version}",
        "cameraMake": "ARRI",
        "cameraModel": "ALEXA 35",
        "cameraSerialNumber": "50231",
        "lensMake": "Cooke",
        "lensModel": "S7/i 50mm T2.0",
        "nominalFocalLength": 50.0,
        "isoSpeed": 200.0 * quality,
        "shutterAngle": 172.8,
        "interim.sensor.mode": "4.6K 3:2 Open Gate",
    },
    varying=lambda frame, random: {
        "capDate": f"{day(random)} {clock(random)}",
        "utcOffset": 3600.0,
        "imageCounter": frame,
        "reelName": "A012C003_261004_R3EX",
        "focus": random.uniform(2, 9),
        "tStop": random.uniform(2.7, 2.9),
        "interim.camera.tilt": random.uniform(-1, 1),
    },
)
