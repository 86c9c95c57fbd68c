-- Which AOVs are missing from some frames of a sequence?
--
-- List channels that only some frames of a sequence have.
--
-- | sequence_key | channels | frames_with | frames_without | last_frame_with |
-- |---|---|---|---|---|
-- | hill/sq010/sh020/render/beauty.#.exr | specular.B, specular.G, specular.R | 3 | 3 | 1003 |
WITH sequences AS (
  SELECT sequence_key, count(*) AS frames
  FROM files
  WHERE header_hash IS NOT NULL AND sequence_key IS NOT NULL
  GROUP BY 1
), held AS (
  SELECT f.sequence_key, c.name, count(DISTINCT f.file_id) AS frames, max(f.frame_number) AS last_frame
  FROM files AS f
  JOIN channels AS c ON c.file_id = f.file_id
  GROUP BY 1, 2
)
SELECT held.sequence_key,
       array_agg(held.name ORDER BY held.name) AS channels,
       held.frames AS frames_with,
       sequences.frames - held.frames AS frames_without,
       held.last_frame AS last_frame_with
FROM held
JOIN sequences ON sequences.sequence_key = held.sequence_key
WHERE held.frames < sequences.frames
GROUP BY 1, 3, 4, 5
ORDER BY 1, 2
