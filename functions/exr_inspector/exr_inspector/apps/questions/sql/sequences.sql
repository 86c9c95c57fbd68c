-- Which sequences exist?
--
-- Show the first and last frame, the number of frames, and how many are not `ok`.
SELECT sequence_key,
       min(frame_number) AS first_frame,
       max(frame_number) AS last_frame,
       count(*) AS frames,
       count(*) FILTER (WHERE status <> 'ok') AS not_ok
FROM files
WHERE sequence_key IS NOT NULL
GROUP BY 1
ORDER BY 1
