-- Which frames look unlike the frame before?
--
-- The look vectors of neighbors in a sequence are nearly equal, with a cosine above 0.99. Those of a cut, a flash or a broken
-- frame, and of the frame after it, are not.
--
-- $similarity number = 0.97: The minimum cosine between neighbors that look alike.
WITH looks AS (
  SELECT f.sequence_key, f.frame_number, p.look_vector,
         row_number() OVER (PARTITION BY f.sequence_key ORDER BY f.frame_number) AS position
  FROM files AS f
  JOIN pixels AS p ON p.file_id = f.file_id
  WHERE f.sequence_key IS NOT NULL AND p.look_vector IS NOT NULL
    AND p.look_version = (SELECT max(look_version) FROM pixels)
), compared AS (
  SELECT looks.sequence_key, looks.frame_number,
         array_cosine_similarity(looks.look_vector, before.look_vector) AS similarity
  FROM looks
  JOIN looks AS before ON before.sequence_key = looks.sequence_key AND before.position = looks.position - 1
)
SELECT sequence_key, frame_number, round(CAST(similarity AS double), 2) AS similarity
FROM compared
WHERE similarity < $similarity
ORDER BY 1, 2
