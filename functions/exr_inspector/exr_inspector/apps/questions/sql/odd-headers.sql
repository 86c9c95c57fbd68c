-- Which frames differ from the first of their sequence?
--
-- Find frames whose vector is not close to the first frame's. The vector ignores time, host and frame number, so
-- something else changed. Data windows that follow the image content stay above the threshold.
--
-- $similarity number = 0.99: The minimum cosine between similar frames.
WITH first_frames AS (
  SELECT sequence_key, embedding_version, min_by(metadata_embedding, frame_number) AS embedding
  FROM files
  WHERE sequence_key IS NOT NULL AND header_hash IS NOT NULL
  GROUP BY 1, 2
)
SELECT f.sequence_key, array_agg(f.frame_number ORDER BY f.frame_number) AS frames
FROM files AS f
JOIN first_frames AS reference
  ON reference.sequence_key = f.sequence_key AND reference.embedding_version = f.embedding_version
WHERE f.header_hash IS NOT NULL
  AND array_cosine_similarity(f.metadata_embedding, reference.embedding) < $similarity
GROUP BY 1
ORDER BY 1
